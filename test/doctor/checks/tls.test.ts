import { describe, expect, it } from 'vitest'
import { makeSelfSigned } from '../../../engine/tls/self-signed.ts'
import { expectTold, findingsOf, holdPort, type Trouble, titled } from '../../support/doctor.ts'
import { type FakeMachine, service } from '../../support/fake-system.ts'

const [cert, key] = ['/etc/ssl/pi.pem', '/etc/ssl/pi.key']
const set = [`listen.tls={cert: ${cert}, key: ${key}}`]

/** Both files, the certificate ending at this date. */
function place({ files, stats }: FakeMachine, to = '2028-01-01'): void {
  files[cert] = makeSelfSigned({ names: ['pi'], from: new Date('2025-01-01'), to: new Date(to) })
  files[key] = 'a key'
  stats[key] = { ...service, mode: 0o600 }
}

const fix = /^Put files with a certificate and its key/
const troubles: Trouble[] = [
  {
    title: 'a certificate that is not there',
    check: 'tls',
    set,
    state: 'error',
    detail: /^Expected a file at .*pi\.pem/,
    fix,
  },
  {
    title: 'a key that the service may not read',
    check: 'tls',
    set,
    change: (machine) => {
      place(machine)
      machine.stats[key] = { mode: 0o600 }
    },
    state: 'error',
    detail: `hailstream may not read listen.tls.key ${key}: ${key} forbids it`,
    fix: `sudo chown hailstream: ${key} && sudo chmod 600 ${key}`,
  },
  {
    title: 'a file that is no certificate',
    check: 'tls',
    set,
    change: (machine) => {
      place(machine)
      machine.files[cert] = 'rubbish'
    },
    state: 'error',
    detail: /^Expected a certificate as PEM/,
    fix,
  },
  {
    title: 'a certificate that has ended',
    check: 'tls',
    set,
    change: (machine) => place(machine, '2026-11-01'),
    state: 'error',
    detail: `The certificate ${cert} ended on 2026-11-01`,
    fix: 'Renew it and start hailstream again',
  },
  {
    title: 'a certificate that ends soon',
    check: 'tls',
    set,
    change: (machine) => place(machine, '2026-12-20'),
    state: 'warning',
    detail: `The certificate ${cert} ends on 2026-12-20`,
    fix: 'Renew it and start hailstream again',
  },
  {
    title: 'a port of TLS that another program holds',
    check: 'port',
    set: ['listen.tls=self-signed'],
    change: (machine) => holdPort(machine, 8443),
    state: 'error',
    detail: /^127\.0\.0\.1:8443 is held by/,
    fix: /./,
  },
]

describe('the doctor on TLS', () => {
  it.each(titled(troubles))('tells of %s', expectTold)

  it('finds nothing wrong with a certificate that lasts, nor with one that the engine makes', async () => {
    const [given] = await findingsOf({ check: 'tls', set, change: (machine) => place(machine) })
    expect(given).toMatchObject({ state: 'ok', detail: expect.stringContaining('ends on 2028-01-01') })
    const [made] = await findingsOf({ check: 'tls', set: ['listen.tls=self-signed'] })
    expect(made).toMatchObject({ state: 'ok', detail: expect.stringContaining('/var/lib/hailstream/tls.pem') })
    expect(await findingsOf({ check: 'tls' })).toEqual([])
  })
})
