import { describe, it } from 'vitest'
import { expectTold, type Trouble, titled } from '../../support/doctor.ts'
import { identified, late, missing, remove } from '../../support/fake-system.ts'

const install = 'sudo apt update && sudo apt install dkms hailo-h10-all && sudo reboot'
const troubles: Trouble[] = [
  {
    title: 'a missing library',
    check: 'hailo-versions',
    name: 'hailo-library',
    state: 'error',
    change: (machine) => remove(machine, '/usr/lib/libhailort.so.5.1.1'),
    detail: 'Expected the library of HailoRT (libhailort.so) for the device, found none',
    fix: install,
  },
  {
    title: 'a library that is too old for the device',
    check: 'hailo-versions',
    name: 'hailo-library',
    state: 'error',
    change: (machine) => {
      remove(machine, '/usr/lib/libhailort.so.5.1.1')
      machine.files['/usr/lib/libhailort.so.4.23.0'] = ''
    },
    detail: 'Expected HailoRT 5.1 or a later 5.x for Hailo-10H, found 4.23.0',
    fix: install,
  },
  {
    title: 'two libraries',
    check: 'hailo-versions',
    name: 'hailo-library',
    state: 'error',
    change: ({ files }) => (files['/usr/local/lib/libhailort.so.5.0.1'] = ''),
    detail:
      'Expected one version of HailoRT, found /usr/lib/libhailort.so.5.1.1 and /usr/local/lib/libhailort.so.5.0.1',
    fix: 'sudo rm /usr/local/lib/libhailort.so.5.0.1 && sudo ldconfig',
  },
  {
    title: 'firmware of another release',
    check: 'hailo-versions',
    state: 'error',
    change: ({ programs, files }) => {
      programs['hailortcli fw-control identify'] = identified('5.1.0')
      programs['modinfo -F version hailo1x_pci'] = '5.1.0'
      files['/sys/module/hailo1x_pci/version'] = '5.1.0\n'
    },
    detail: 'Expected library, driver and firmware of one release, found library 5.1.1, driver 5.1.0, firmware 5.1.0',
    fix: 'sudo apt update && sudo apt full-upgrade && sudo reboot',
  },
  {
    title: 'a driver that waits for a restart',
    check: 'hailo-versions',
    state: 'error',
    change: ({ files }) => (files['/sys/module/hailo1x_pci/version'] = '5.1.0\n'),
    detail: /found library 5\.1\.1, driver 5\.1\.0, firmware 5\.1\.1$/,
    fix: 'sudo reboot',
  },
  {
    title: 'a device that hangs',
    check: 'hailo-versions',
    name: 'hailo-firmware',
    state: 'warning',
    change: ({ programs }) => (programs['hailortcli fw-control identify'] = late),
    detail: 'The device did not answer within 15 s: it hangs',
    fix: 'sudo reboot',
  },
  {
    title: 'a device that tells nothing, though hailortcli says that all is well',
    check: 'hailo-versions',
    name: 'hailo-firmware',
    state: 'warning',
    change: ({ programs }) => (programs['hailortcli fw-control identify'] = ''),
    detail: 'The device did not tell its firmware: hailortcli printed nothing',
    fix: 'sudo hailortcli fw-control identify  # if it prints no version either: sudo reboot',
  },
  {
    title: 'no hailortcli',
    check: 'hailo-versions',
    name: 'hailo-firmware',
    state: 'warning',
    change: ({ programs }) => (programs['hailortcli fw-control identify'] = missing),
    detail: 'The firmware cannot be asked for: hailortcli is not there',
    fix: install,
  },
]

describe('the doctor on the versions of HailoRT', () => {
  it.each(titled(troubles))('tells of %s', expectTold)
})
