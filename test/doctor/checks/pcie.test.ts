import { describe, it } from 'vitest'
import { expectTold, type Trouble, titled } from '../../support/doctor.ts'
import type { FakeMachine } from '../../support/fake-system.ts'

const card = '/sys/bus/pci/devices/0001:01:00.0'
const onPc = (machine: FakeMachine) => {
  machine.files['/proc/device-tree/model'] = ''
}
const troubles: Trouble[] = [
  {
    title: 'a slow PCIe link of a Raspberry Pi',
    check: 'pcie',
    state: 'warning',
    change: ({ files }) => {
      files[`${card}/current_link_speed`] = '5.0 GT/s PCIe\n'
      files['/boot/firmware/config.txt'] = '[all]\n'
    },
    detail: /^0001:01:00\.0: PCIe generation 2 \(5 GT\/s\), 1 of 4 lanes; the card can generation 3/,
    fix: "printf '\\n[all]\\ndtparam=pciex1_gen=3\\n' | sudo tee -a /boot/firmware/config.txt && sudo reboot",
  },
  {
    title: 'a PCIe link that stays slow although the faster one is configured',
    check: 'pcie',
    state: 'warning',
    change: ({ files }) => (files[`${card}/current_link_speed`] = '5.0 GT/s PCIe\n'),
    detail: /generation 2/,
    fix: /^Switch off, seat the card and its PCIe cable anew/,
  },
  {
    title: 'a slow PCIe link of a PC',
    check: 'pcie',
    state: 'warning',
    change: (machine) => {
      onPc(machine)
      machine.files[`${card}/current_link_speed`] = '2.5 GT/s PCIe\n'
    },
    detail: /generation 1/,
    fix: /slot of the card’s generation$/,
  },
]

describe('the doctor on the PCIe link', () => {
  it.each(titled(troubles))('tells of %s', expectTold)
})
