import { describe, expect, it } from 'vitest'
import { expectTold, findingsOf, type Trouble, titled } from '../../support/doctor.ts'
import { addProcess, type FakeMachine } from '../../support/fake-system.ts'

const troubles: Trouble[] = [
  {
    title: 'a service that is not in the group of the device',
    check: 'hailo-access',
    state: 'error',
    change: ({ files }) => (files['/etc/group'] = String(files['/etc/group']).replace('hailstream,pi', 'pi')),
    detail: 'hailstream may not use /dev/hailo0 (group hailo, 660)',
    fix: 'sudo usermod -aG hailo hailstream && sudo systemctl restart hailstream',
  },
  {
    title: 'a caller who is not in the group of the device',
    check: 'hailo-access',
    state: 'warning',
    change: ({ files, own }) => {
      files['/etc/group'] = String(files['/etc/group']).replace('hailstream,pi', 'hailstream')
      Object.assign(own, { groups: [44] })
    },
    detail: 'pi may not use /dev/hailo0 (group hailo, 660)',
    fix: 'sudo usermod -aG hailo pi && echo "now log out and in again"',
  },
  {
    title: 'a caller who has joined the group since the login',
    check: 'hailo-access',
    state: 'warning',
    change: ({ own }) => Object.assign(own, { groups: [44] }),
    detail: 'pi may not use /dev/hailo0 (group hailo, 660) before the next login',
    fix: 'Log out and in again, or for this shell: newgrp hailo',
  },
  {
    title: 'a device of root alone',
    check: 'hailo-access',
    state: 'error',
    change: ({ stats }) => (stats['/dev/hailo0'] = { kind: 'device', mode: 0o600 }),
    detail: 'hailstream may not use /dev/hailo0 (group root, 600)',
    fix: /^sudo groupadd -f hailo && echo 'KERNEL=="hailo\[0-9\]\*".*udevadm trigger.* && sudo usermod -aG hailo hailstream/,
  },
  {
    title: 'hailo-ollama, which takes the device for itself, also where its files cannot be seen',
    check: 'hailo-holder',
    state: 'error',
    change: (machine) =>
      addProcess(machine, 812, { comm: 'hailo-ollama', cgroup: '/system.slice/hailo-ollama.service' }),
    detail: /^hailo-ollama \(process 812\) takes the device for itself alone/,
    fix: 'sudo systemctl disable --now hailo-ollama.service',
  },
  {
    title: 'another program that has the device open',
    check: 'hailo-holder',
    state: 'warning',
    change: (machine) => addProcess(machine, 900, { comm: 'python3', opens: '/dev/hailo0' }),
    detail: /^python3 \(process 900\) has the device open/,
    fix: 'sudo kill 900',
  },
]

describe('the doctor on the use of the accelerator', () => {
  it.each(titled(troubles))('tells of %s', expectTold)

  it('judges who called it through sudo by his own groups, not as root', async () => {
    const change = ({ own, files }: FakeMachine) => {
      Object.assign(own, { uid: 0, gid: 0, groups: [0], environment: { SUDO_USER: 'pi' } })
      files['/etc/passwd'] = 'root:x:0:0:root:/root:/bin/bash\npi:x:1000:1000:,,,:/home/pi:/bin/bash\n'
      files['/etc/group'] = 'hailo:x:991:\n'
    }
    expect(await findingsOf({ check: 'hailo-access', change })).toMatchObject([
      { state: 'error', detail: 'pi may not use /dev/hailo0 (group hailo, 660)' },
    ])
    expect(await findingsOf({ check: 'user', change })).toMatchObject([{ state: 'ok' }])
  })
})
