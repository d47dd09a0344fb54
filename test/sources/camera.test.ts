import { afterAll, describe, expect, it } from 'vitest'

import camera, { cameraLaunches, chooseDevice } from '../../engine/sources/camera.ts'
import { createCaptures, watch } from '../support/captures.ts'
import { until } from '../support/wait.ts'

const { pool, hosts, tools } = createCaptures()
const maxSize = { width: 1920, height: 1080 }
const open = (options: object) => camera.open(camera.options.parse(options), tools())

afterAll(async () => {
  await hosts[Symbol.asyncDispose]()
  expect(pool.ledger.stats()).toMatchObject({ free: 16, leaked: 0, staleLoans: 0 })
  pool.memory.close()
})

describe('the camera source', () => {
  it('tries compressed frames first, then raw ones', () => {
    const [first, second, ...more] = cameraLaunches('/dev/video2', 'auto', { size: '640x480', rate: 30 }, maxSize)
    expect(first).toContain('image/jpeg,width=640,height=480,framerate=30/1;image/jpeg')
    expect(second).toContain('video/x-raw,width=640,height=480,framerate=30/1;video/x-raw')
    expect(more).toEqual([])
    expect(cameraLaunches('/dev/video2', 'raw', {}, maxSize)).toHaveLength(1)
  })

  it('takes libcamera where it is told to, by name if one is given', () => {
    expect(cameraLaunches('libcamera', 'auto', {}, maxSize)).toEqual([expect.stringMatching(/^libcamerasrc ! /)])
    expect(cameraLaunches('libcamera:/base/axi/pcie@120000/rp1/i2c@88000/imx708@1a', 'auto', {}, maxSize)).toEqual([
      expect.stringMatching(/^libcamerasrc camera-name="\/base\/axi\/pcie@120000\/rp1\/i2c@88000\/imx708@1a" ! /),
    ])
  })

  it.each([
    ['a USB camera', [{ path: '/dev/video0', driver: 'UVC Camera (046d:0825)' }], true, '/dev/video0'],
    ['nothing but a sensor', [{ path: '/dev/video0', driver: 'rp1-cfe-csi2_ch0' }], true, 'libcamera'],
    [
      'both',
      [
        { path: '/dev/video0', driver: 'unicam-image' },
        { path: '/dev/video8', driver: 'HD Webcam' },
      ],
      true,
      '/dev/video8',
    ],
    [
      'nothing but scalers and codecs',
      [
        { path: '/dev/video10', driver: 'bcm2835-codec-decode' },
        { path: '/dev/video19', driver: 'rpi-hevc-dec' },
        { path: '/dev/video20', driver: 'pispbe-input' },
      ],
      false,
      undefined,
    ],
    ['nothing, with libcamera', [], true, 'libcamera'],
    ['nothing at all', [], false, undefined],
  ] as const)('chooses by itself with %s', (_, nodes, libcamera, expected) => {
    expect(chooseDevice(nodes, libcamera)).toBe(expected)
  })

  it('names a device that is not there', () => {
    const watched = watch(open({ device: '/dev/video99' }))
    expect(watched.error).toMatchObject({ code: 'not-found', message: 'Expected a camera at /dev/video99, found none' })
  })

  it('tells why a device cannot be opened, after trying both encodings', async () => {
    const watched = watch(open({ device: '/dev/null' }))
    await until('the error', () => watched.error !== undefined)
    expect(watched.error).toMatchObject({ code: 'unavailable', message: expect.stringContaining('/dev/null') })
    expect(hosts.statuses()).toEqual([])
  })

  it('refuses a device that is no path', () => {
    const watched = watch(open({ device: 'x" ! filesink location="/tmp/x' }))
    expect(watched.error).toMatchObject({ code: 'invalid' })
  })
})
