import { describe, expect, it } from 'vitest'
import { addonFile } from '../../../engine/native/addon.ts'
import { expectTold, findingsOf, type Trouble, titled } from '../../support/doctor.ts'
import { type FakeMachine, failed, policy, remove } from '../../support/fake-system.ts'

const card = '/sys/bus/pci/devices/0001:01:00.0'
const install = 'sudo apt update && sudo apt install dkms hailo-h10-all && sudo reboot'
const noHailo = (machine: FakeMachine) => {
  remove(machine, card)
  remove(machine, '/dev/hailo0')
}
const noDriver = (machine: FakeMachine) => {
  remove(machine, '/sys/module/hailo1x_pci')
  remove(machine, '/dev/hailo0')
  machine.programs['modinfo -F filename hailo1x_pci'] = failed(1, 'modinfo: ERROR: Module hailo1x_pci not found.')
}
const troubles: Trouble[] = [
  {
    title: 'no accelerator',
    check: 'hailo-device',
    state: 'warning',
    change: noHailo,
    detail: /^No Hailo device on the PCIe bus: models run on the CPU by ONNX Runtime\. For the AI HAT\+ 2/,
    fix: install,
  },
  {
    title: 'no accelerator where apt knows only the package that serves both generations',
    check: 'hailo-device',
    state: 'warning',
    change: (machine) => {
      noHailo(machine)
      machine.programs['apt-cache policy'] = policy('hailo-all', '5.3.0')
    },
    detail: /^No Hailo device/,
    fix: 'sudo apt update && sudo apt install dkms hailo-all && sudo reboot',
  },
  {
    title: 'no accelerator where apt knows no package: both names are told',
    check: 'hailo-device',
    state: 'warning',
    change: (machine) => {
      noHailo(machine)
      machine.programs['apt-cache policy'] = ''
    },
    detail: /^No Hailo device/,
    fix: /^sudo apt update && sudo apt install dkms hailo-h10-all && sudo reboot {2}# from HailoRT 5\.3\.0 on: hailo-all/,
  },
  {
    title: 'no accelerator, though the configuration demands one',
    check: 'hailo-device',
    state: 'error',
    change: noHailo,
    set: ['hailo.enabled=true'],
    detail: /^No Hailo device/,
    fix: install,
  },
  {
    title: 'a card without a driver',
    check: 'hailo-device',
    state: 'error',
    change: noDriver,
    detail: 'Hailo-10H at 0001:01:00.0: its driver hailo1x_pci is not installed',
    fix: install,
  },
  {
    title: 'a Hailo-8 without a driver',
    check: 'hailo-device',
    state: 'error',
    change: (machine) => {
      noDriver(machine)
      machine.files[`${card}/device`] = '0x2864\n'
      machine.programs['modinfo -F filename hailo_pci'] = failed(1)
      machine.programs['apt-cache policy'] = policy('hailo-all', '4.23.0')
    },
    detail: 'Hailo-8 at 0001:01:00.0: its driver hailo_pci is not installed',
    fix: 'sudo apt update && sudo apt install dkms hailo-all=4.23.0 && sudo reboot',
  },
  {
    title: 'a driver that is not built for this kernel',
    check: 'hailo-device',
    state: 'error',
    change: (machine) => {
      noDriver(machine)
      machine.files['/usr/src/hailo1x_pci-5.1.1/Makefile'] = ''
    },
    detail: /was not built for this kernel$/,
    fix: 'sudo apt install linux-headers-$(uname -r) && sudo dkms autoinstall && sudo modprobe hailo1x_pci',
  },
  {
    title: 'the driver of the older generation',
    check: 'hailo-device',
    state: 'error',
    change: (machine) => {
      noDriver(machine)
      machine.files['/sys/module/hailo_pci/version'] = '4.23.0\n'
    },
    detail: /it has the driver hailo_pci of HailoRT 4, which cannot start it$/,
    fix: `echo "blacklist hailo_pci" | sudo tee /etc/modprobe.d/hailo-4.conf && ${install}`,
  },
  {
    title: 'a driver that is installed and not loaded',
    check: 'hailo-device',
    state: 'error',
    change: (machine) => {
      noDriver(machine)
      machine.programs['modinfo -F filename hailo1x_pci'] = '/lib/modules/6.12/updates/dkms/hailo1x_pci.ko.xz'
    },
    detail: 'Hailo-10H at 0001:01:00.0: its driver hailo1x_pci is not loaded',
    fix: 'sudo modprobe hailo1x_pci',
  },
  {
    title: 'a driver that made no device file',
    check: 'hailo-device',
    state: 'error',
    change: (machine) => remove(machine, '/dev/hailo0'),
    detail: /is loaded, but made no \/dev\/hailo0: it did not start the device$/,
    fix: /^sudo modprobe -r hailo1x_pci; sudo modprobe hailo1x_pci; /,
  },
  {
    title: 'an installation that was set up before HailoRT was there',
    check: 'hailo-device',
    name: 'hailo-backend',
    state: 'warning',
    change: (machine) => remove(machine, addonFile('hailo')),
    detail: /was set up while HailoRT was not installed/,
    fix: /^cd .* && npm run setup$/,
  },
]

describe('the doctor on the accelerator', () => {
  it.each(titled(troubles))('tells of %s', expectTold)

  it('looks at nothing of an accelerator that is switched off', async () => {
    for (const check of ['hailo-versions', 'hailo-access', 'hailo-holder', 'pcie'])
      expect(await findingsOf({ check, set: ['hailo.enabled=false'] }), check).toEqual([])
    expect(await findingsOf({ check: 'hailo-device', set: ['hailo.enabled=false'] })).toMatchObject([{ state: 'ok' }])
  })
})
