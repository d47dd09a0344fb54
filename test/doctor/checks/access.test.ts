import { describe, it } from 'vitest'
import { expectTold, type Trouble, titled } from '../../support/doctor.ts'
import { service } from '../../support/fake-system.ts'

const troubles: Trouble[] = [
  {
    title: 'access that is open to the network',
    check: 'access',
    state: 'error',
    set: ['listen.host=0.0.0.0', 'listen.access=open'],
    detail: /^Everybody who reaches 0\.0\.0\.0/,
    fix: /^Take out access: open/,
  },
  {
    title: 'a token file that is not there',
    check: 'access',
    state: 'error',
    set: ['listen.tokenFile=/etc/hailstream/token'],
    detail: 'Expected a token in /etc/hailstream/token, which is not there',
    fix: 'openssl rand -hex 24 | sudo tee /etc/hailstream/token >/dev/null && sudo chown hailstream: /etc/hailstream/token && sudo chmod 600 /etc/hailstream/token',
  },
  {
    title: 'a token file that is empty',
    check: 'access',
    state: 'error',
    change: ({ stats }) => (stats['/etc/hailstream/token'] = { ...service, mode: 0o600, size: 0 }),
    set: ['listen.tokenFile=/etc/hailstream/token'],
    detail: 'Expected a token in /etc/hailstream/token, which is empty',
    fix: /^openssl rand -hex 24 \| sudo tee \/etc\/hailstream\/token/,
  },
  {
    title: 'a token file that the service may not read',
    check: 'access',
    state: 'error',
    change: ({ stats }) => (stats['/etc/hailstream/token'] = { mode: 0o600 }),
    set: ['listen.tokenFile=/etc/hailstream/token'],
    detail: 'hailstream may not read the token in /etc/hailstream/token: /etc/hailstream/token forbids it',
    fix: 'sudo chown hailstream: /etc/hailstream/token && sudo chmod 600 /etc/hailstream/token',
  },
  {
    title: 'a token file that others may read',
    check: 'access',
    state: 'warning',
    change: ({ stats }) => (stats['/etc/hailstream/token'] = { ...service, mode: 0o644 }),
    set: ['listen.tokenFile=/etc/hailstream/token'],
    detail: 'Others may read the token in /etc/hailstream/token (mode 644)',
    fix: 'sudo chown hailstream: /etc/hailstream/token && sudo chmod 600 /etc/hailstream/token',
  },
]

describe('the doctor on access', () => {
  it.each(titled(troubles))('tells of %s', expectTold)
})
