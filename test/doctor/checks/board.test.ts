import { describe, it } from 'vitest'
import { expectTold, type Trouble, titled } from '../../support/doctor.ts'
import { type FakeMachine, failed, missing, remove } from '../../support/fake-system.ts'

const onPc = (machine: FakeMachine) => {
  machine.files['/proc/device-tree/model'] = ''
}
const troubles: Trouble[] = [
  {
    title: 'another distribution',
    check: 'os',
    state: 'warning',
    change: ({ files }) => (files['/etc/os-release'] = 'PRETTY_NAME="Ubuntu 24.04"\nID=ubuntu\nVERSION_ID="24.04"\n'),
    detail: /^Expected Debian 12 or 13, or Raspberry Pi OS of the same, found Ubuntu 24\.04, kernel 6\.12/,
    fix: 'Install Debian 12 or 13, or Raspberry Pi OS (64 bit)',
  },
  {
    title: 'a slow processor',
    check: 'cpu',
    state: 'warning',
    change: ({ files }) => {
      files['/proc/device-tree/model'] = 'Raspberry Pi 4 Model B Rev 1.5\0'
      files['/proc/cpuinfo'] = 'processor\t: 0\nFeatures\t: fp asimd evtstrm crc32 cpuid\n'
    },
    detail: 'Raspberry Pi 4 Model B Rev 1.5, 1 core, which lacks asimddp: models run several times slower on it',
    fix: /Raspberry Pi 5$/,
  },
  {
    title: 'root without a service',
    check: 'user',
    state: 'warning',
    change: ({ own, files }) => {
      Object.assign(own, { uid: 0, gid: 0 })
      files['/etc/passwd'] = 'root:x:0:0:root:/root:/bin/bash\n'
    },
    detail: /^This is root/,
    fix: /sudo sh .*systemd\/install\.sh$/,
  },
  {
    title: 'a warm machine',
    check: 'temperature',
    state: 'warning',
    change: ({ files }) => (files['/sys/class/thermal/thermal_zone0/temp'] = '75000\n'),
    detail: '75 °C (cpu-thermal): it slows down from 85 °C on',
    fix: /^Give it air or a cooler/,
  },
  {
    title: 'a hot accelerator',
    check: 'temperature',
    state: 'error',
    change: ({ files }) => {
      files['/sys/class/hwmon/hwmon3/name'] = 'hailo0\n'
      files['/sys/class/hwmon/hwmon3/temp1_input'] = '91000\n'
    },
    detail: '91 °C (hailo0): it slows down now',
    fix: /^Give it air or a cooler/,
  },
  {
    title: 'too little voltage now',
    check: 'power',
    state: 'error',
    change: ({ programs }) => (programs['vcgencmd get_throttled'] = 'throttled=0x50005'),
    detail: /voltage is too low now \(throttled=0x50005\)/,
    fix: 'Use the official 27 W supply, with a short cable',
  },
  {
    title: 'too little voltage before',
    check: 'power',
    state: 'warning',
    change: ({ programs }) => (programs['vcgencmd get_throttled'] = 'throttled=0x10000'),
    detail: /voltage was too low since the start/,
    fix: /27 W/,
  },
  {
    title: 'a processor that is slowed down',
    check: 'power',
    state: 'warning',
    change: ({ programs }) => (programs['vcgencmd get_throttled'] = 'throttled=0x4'),
    detail: /slowed down now/,
    fix: /cooler/,
  },
  {
    title: 'a processor that was slowed down',
    check: 'power',
    state: 'warning',
    change: ({ programs }) => (programs['vcgencmd get_throttled'] = 'throttled=0x80000'),
    detail: /was slowed down since the start/,
    fix: /cooler/,
  },
  {
    title: 'no vcgencmd',
    check: 'power',
    state: 'warning',
    change: ({ programs }) => (programs['vcgencmd get_throttled'] = missing),
    detail: /vcgencmd is not there/,
    fix: 'sudo apt install raspi-utils',
  },
  {
    title: 'a firmware that may not be asked',
    check: 'power',
    state: 'warning',
    change: ({ programs }) => (programs['vcgencmd get_throttled'] = failed(255, "Can't open device file: /dev/vcio")),
    detail: 'The firmware did not answer vcgencmd',
    fix: 'sudo usermod -aG video pi && echo "now log out and in again"',
  },
  {
    title: 'no memory controller on a Raspberry Pi',
    check: 'memory-cgroup',
    state: 'warning',
    change: ({ files }) => {
      files['/sys/fs/cgroup/cgroup.controllers'] = 'cpuset cpu io pids\n'
      files['/boot/firmware/cmdline.txt'] = 'console=tty1 rootwait\n'
    },
    detail: /^The memory controller is off: MemoryMax/,
    fix: "sudo sed -i '1s/[[:space:]]*$/ cgroup_enable=memory/' /boot/firmware/cmdline.txt && sudo reboot",
  },
  {
    title: 'a memory controller that waits for a restart',
    check: 'memory-cgroup',
    state: 'warning',
    change: ({ files }) => (files['/sys/fs/cgroup/cgroup.controllers'] = 'cpuset cpu io pids\n'),
    detail: /^The memory controller is off/,
    fix: 'sudo reboot',
  },
  {
    title: 'no memory controller on a PC',
    check: 'memory-cgroup',
    state: 'warning',
    change: (machine) => {
      onPc(machine)
      remove(machine, '/boot/firmware/cmdline.txt')
      remove(machine, '/sys/fs/cgroup/cgroup.controllers')
    },
    detail: /^The memory controller is off/,
    fix: /update-grub && sudo reboot$/,
  },
]

describe('the doctor on the machine', () => {
  it.each(titled(troubles))('tells of %s', expectTold)
})
