import { describe, expect, it } from 'vitest'
import { checks } from '../../engine/doctor/checks.ts'
import { runChecks } from '../../engine/doctor/run-checks.ts'
import { configure, findingsOf, holdPort } from '../support/doctor.ts'
import { type FakeMachine, fakeSystem, healthyPi } from '../support/fake-system.ts'

describe('the doctor', () => {
  it('finds nothing on a healthy Raspberry Pi with an AI HAT+ 2', async () => {
    const found = await runChecks(checks, fakeSystem(healthyPi()), configure())
    expect(found.filter(({ state }) => state !== 'ok').map(({ check }) => check)).toEqual([])
    const told = Object.fromEntries(found.map(({ check, detail }) => [check, detail]))
    expect(told).toMatchObject({
      node: 'Node 22.12.0 for linux on arm64 (/usr/bin/node), ABI 127',
      'hailo-device': 'Hailo-10H at 0001:01:00.0, driver hailo1x_pci 5.1.1, /dev/hailo0',
      'hailo-versions': 'library 5.1.1, driver 5.1.1, firmware 5.1.1',
      pcie: '0001:01:00.0: PCIe generation 3 (8 GT/s), 1 of 4 lanes',
      'page-size': '16 KiB',
      temperature: '52 °C (cpu-thermal)',
      cameras: 'HD Pro Webcam C920 (/dev/video0)',
      microphones: 'USB Audio (/dev/snd/pcmC2D0c)',
      service: 'enabled and active',
    })
  })

  it('takes hailstream that answers on its port, and its own hosts on the device, for what they are', async () => {
    const change = (machine: FakeMachine) => {
      holdPort(machine, 8080)
      machine.answers['http://127.0.0.1:8080/api/health'] = '{"status":"degraded","version":"0.1.0","clockSteps":0}'
      machine.links['/proc/77/fd/9'] = '/dev/hailo0'
    }
    expect(await findingsOf({ check: 'port', change })).toEqual([
      { check: 'port', state: 'ok', detail: 'hailstream runs at 127.0.0.1:8080: version 0.1.0, degraded' },
    ])
    expect(await findingsOf({ check: 'hailo-holder', change })).toEqual([
      { check: 'hailo-holder', state: 'ok', detail: 'held by hailstream: node (process 77)' },
    ])
  })
})
