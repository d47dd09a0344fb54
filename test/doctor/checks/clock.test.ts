import { describe, it } from 'vitest'
import { expectTold, type Trouble, titled } from '../../support/doctor.ts'
import { remove } from '../../support/fake-system.ts'

const troubles: Trouble[] = [
  {
    title: 'a date before the program was built',
    check: 'clock',
    state: 'warning',
    change: (machine) => (machine.now = Date.parse('2024-01-01T00:00:00Z')),
    detail: /^It is 2024-01-01T00:00:00\.000Z here, which cannot be: this program was built 2026-11-20/,
    fix: 'sudo apt install systemd-timesyncd && sudo timedatectl set-ntp true',
  },
  {
    title: 'a clock that nothing keeps right',
    check: 'clock',
    state: 'warning',
    change: (machine) => {
      remove(machine, '/run/systemd/timesync/synchronized')
      machine.programs.timedatectl = 'no'
    },
    detail: /nothing keeps the clock right/,
    fix: /timedatectl set-ntp true$/,
  },
]

describe('the doctor on the clock', () => {
  it.each(titled(troubles))('tells of %s', expectTold)
})
