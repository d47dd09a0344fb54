import { describe, expect, it } from 'vitest'
import { expectTold, findingsOf, type Trouble, titled } from '../../support/doctor.ts'
import { addProcess, type FakeMachine, remove } from '../../support/fake-system.ts'

const troubles: Trouble[] = [
  {
    title: 'no camera, and no clip in its place',
    check: 'cameras',
    state: 'warning',
    change: (machine) => remove(machine, '/sys/class/video4linux'),
    detail: 'No camera found, and a pipeline asks for one',
    fix: /^Plug a USB camera in/,
  },
  {
    title: 'no camera, and a clip in its place',
    check: 'cameras',
    state: 'warning',
    change: (machine) => {
      remove(machine, '/sys/class/video4linux')
      machine.files['/var/lib/hailstream/media/vtest.avi'] = ''
    },
    detail: 'No camera found, and a pipeline asks for one: a clip plays in its place',
    fix: /^Plug a USB camera in/,
  },
  {
    title: 'a camera that a pipeline names and that is not there',
    check: 'cameras',
    state: 'error',
    set: ['pipelines=[{ name: a, streams: { door: { source: camera, device: /dev/video7 } }, publish: [door] }]'],
    detail: 'Stream a/door asks for the camera /dev/video7, which is not there',
    fix: /ls \/dev\/video\*$/,
  },
  {
    title: 'a camera that is not there, with a clip for that case',
    check: 'cameras',
    state: 'warning',
    set: [
      'pipelines=[{ name: a, streams: { door: { source: camera, device: /dev/video7, otherwise: x.mp4 } }, publish: [door] }]',
    ],
    detail: /^Stream a\/door asks for the camera/,
    fix: /ls \/dev\/video\*$/,
  },
  {
    title: 'a camera that the service may not use',
    check: 'cameras',
    state: 'error',
    change: ({ files }) => (files['/etc/group'] = String(files['/etc/group']).replace('44:pi,hailstream', '44:pi')),
    detail: 'hailstream may not use HD Pro Webcam C920 (/dev/video0, group video)',
    fix: 'sudo usermod -aG video hailstream && sudo systemctl restart hailstream',
  },
  {
    title: 'a camera that another program of the user holds',
    check: 'cameras',
    state: 'warning',
    change: (machine) =>
      addProcess(machine, 901, {
        comm: 'motion',
        opens: '/dev/video0',
        cgroup: '/user.slice/user-1000.slice/user@1000.service/app.slice/motion.service',
      }),
    detail: /^motion \(process 901\) has HD Pro Webcam C920 \(\/dev\/video0\) open/,
    fix: 'systemctl --user disable --now motion.service',
  },
  {
    title: 'a camera whose device file is missing',
    check: 'cameras',
    state: 'warning',
    change: (machine) => remove(machine, '/dev/video0'),
    detail: 'The kernel has HD Pro Webcam C920, but /dev/video0 is not there',
    fix: 'sudo udevadm trigger',
  },
]

describe('the doctor on cameras', () => {
  it.each(titled(troubles))('tells of %s', expectTold)

  it('names the cameras of the board that libcamera finds', async () => {
    const change = ({ programs }: FakeMachine) =>
      (programs['rpicam-hello --list-cameras'] =
        'Available cameras\n-----------------\n0 : imx708 [4608x2592 10-bit RGGB] (/base/axi/pcie@120000/rp1/i2c@88000/imx708@1a)\n')
    expect(await findingsOf({ check: 'cameras', change })).toContainEqual({
      check: 'cameras',
      state: 'ok',
      detail: 'imx708 (of the board, by libcamera)',
    })
  })
})
