import { describe, it } from 'vitest'
import { expectTold, type Trouble, titled } from '../../support/doctor.ts'
import { remove } from '../../support/fake-system.ts'

const troubles: Trouble[] = [
  {
    title: 'a full disk',
    check: 'disk',
    state: 'error',
    change: (machine) => (machine.freeBytes = 3e6),
    detail: /^Expected 67 MB free on the disk of \/var\/lib\/hailstream, found 3 MB/,
    fix: /sudo du -xhd1 \/var\/lib\/hailstream/,
  },
  {
    title: 'a state folder of somebody else',
    check: 'disk',
    name: 'state-folder',
    state: 'error',
    change: ({ stats }) => (stats['/var/lib/hailstream'] = { kind: 'folder', mode: 0o750 }),
    detail: 'hailstream may not write /var/lib/hailstream',
    fix: 'sudo chown -R hailstream: /var/lib/hailstream',
  },
  {
    title: 'a state folder that cannot be made',
    check: 'disk',
    name: 'state-folder',
    state: 'error',
    change: (machine) => remove(machine, '/var/lib/hailstream'),
    detail: /^hailstream may not write in \/var\/?.*, to make \/var\/lib\/hailstream$/,
    fix: 'sudo install -d -o hailstream -m 750 /var/lib/hailstream',
  },
  {
    title: 'a file in the place of the state folder',
    check: 'disk',
    name: 'state-folder',
    state: 'error',
    change: ({ stats }) => (stats['/var/lib/hailstream'] = { kind: 'file' }),
    detail: 'Expected a folder at /var/lib/hailstream, found something else',
    fix: /^sudo mv \/var\/lib\/hailstream \/var\/lib\/hailstream\.old && sudo install -d/,
  },
  {
    title: 'a disk that is read-only',
    check: 'disk',
    name: 'state-folder',
    state: 'error',
    change: (machine) => {
      machine.readOnly = true
      machine.files['/etc/passwd'] = 'pi:x:1000:1000:,,,:/home/pi:/bin/bash\n'
    },
    detail: 'pi may not write /var/lib/hailstream',
    fix: 'sudo chown -R pi: /var/lib/hailstream',
  },
]

describe('the doctor on the disk', () => {
  it.each(titled(troubles))('tells of %s', expectTold)
})
