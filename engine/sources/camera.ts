import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { defer, throwError } from 'rxjs'
import { z } from 'zod'
import { EngineError } from '../errors.ts'
import {
  fileLaunch,
  formatOption,
  libcameraLaunch,
  rateOption,
  type Size,
  sizeOption,
  type VideoOptions,
  v4l2Launch,
} from '../hosts/launch.ts'
import { defineSource, type Tools } from '../tools.ts'

/** Drivers of a Raspberry Pi whose nodes are no cameras: raw sensors, which are libcamera's business, scalers and codecs. */
const otherDriver = /^(rp1-cfe|unicam|bcm2835-isp|bcm2835-codec|pispbe|rpivid|rpi-hevc)/
const libcameraPrefix = 'libcamera:'

/** Where Debian puts GStreamer's plug-in for libcamera. */
export const libcameraFiles: readonly string[] = [
  'aarch64-linux-gnu/',
  'arm-linux-gnueabihf/',
  'x86_64-linux-gnu/',
  '',
].map((folder) => `/usr/lib/${folder}gstreamer-1.0/libgstlibcamera.so`)

export default defineSource({
  name: 'camera',
  summary: 'A camera of this machine: USB (V4L2), or a Raspberry Pi’s through libcamera.',
  emits: 'image',
  live: true,
  options: z.strictObject({
    device: z
      .string()
      .default('auto')
      .describe('/dev/video0, libcamera, libcamera:<camera name>, or auto: the first V4L2 camera, else libcamera.'),
    size: sizeOption.default('1280x720').describe('The camera takes the nearest size that it has.'),
    rate: rateOption.default(30).describe('The camera takes the nearest rate that it has.'),
    encoding: z
      .enum(['auto', 'mjpeg', 'raw'])
      .default('auto')
      .describe('What a V4L2 camera sends; auto: mjpeg where it can.'),
    format: formatOption.optional(),
    otherwise: z
      .string()
      .min(1)
      .optional()
      .describe(
        'A clip that plays in a loop while the device is not there: a path, or the name of one that set-up fetched.',
      ),
  }),
  open({ device, encoding, otherwise, ...video }, tools) {
    return defer(() => {
      const chosen = device === 'auto' ? findCamera() : device
      const absent = chosen === undefined || (chosen.startsWith('/') && !existsSync(chosen))
      if (absent && otherwise !== undefined) return playClip(resolve(tools.media, otherwise), chosen, tools)
      if (chosen === undefined)
        return throwError(
          () => new EngineError('not-found', 'Expected a camera, found no V4L2 device and no libcamera'),
        )
      if (chosen.startsWith('/') && !existsSync(chosen))
        return throwError(() => new EngineError('not-found', `Expected a camera at ${chosen}, found none`))
      const launches = cameraLaunches(chosen, encoding, video, tools.capture.maxSize)
      const request = {
        launches,
        format: video.format ?? 'i420',
        loop: false,
        whenFull: 'skip',
        drawSeq: false,
      } as const
      return tools.capture.open(`${tools.pipeline}/${tools.stream}`, request, tools)
    })
  },
})

/** The clip in the camera's place, at its own size and pace. */
function playClip(file: string, device: string | undefined, tools: Tools) {
  if (!existsSync(file))
    return throwError(
      () =>
        new EngineError(
          'not-found',
          `Expected a camera at ${device ?? 'any device'} or the clip ${file}, found neither`,
        ),
    )
  tools.log.info({ device, file }, 'no camera: playing the clip instead')
  const launches = [fileLaunch(file, 'real', {}, tools.capture.maxSize)]
  const request = { launches, format: 'i420', loop: true, whenFull: 'skip', drawSeq: false } as const
  return tools.capture.open(`${tools.pipeline}/${tools.stream}`, request, tools)
}

/** Descriptions to try in order. Throws `invalid` for a device that is none. */
export function cameraLaunches(
  device: string,
  encoding: 'auto' | 'mjpeg' | 'raw',
  video: VideoOptions,
  maxSize: Size,
): string[] {
  if (device === 'libcamera' || device.startsWith(libcameraPrefix))
    return [libcameraLaunch(device.slice(libcameraPrefix.length), video, maxSize)]
  const encodings = encoding === 'auto' ? (['mjpeg', 'raw'] as const) : [encoding]
  return encodings.map((one) => v4l2Launch(device, one, video, maxSize))
}

/** A V4L2 node and what its driver calls itself. */
export interface VideoNode {
  readonly path: string
  readonly driver: string
}

/** The first node that a program can use as a camera, else libcamera where its plug-in is installed. */
export function chooseDevice(nodes: readonly VideoNode[], libcamera: boolean): string | undefined {
  const node = nodes.find(({ driver }) => !otherDriver.test(driver))
  return node?.path ?? (libcamera ? 'libcamera' : undefined)
}

/** The camera that `auto` takes now; undefined when there is none. Set-up asks it too. */
export function findCamera(): string | undefined {
  return chooseDevice(findVideoNodes(), hasLibcamera())
}

function findVideoNodes(): VideoNode[] {
  const folder = '/sys/class/video4linux'
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => /^video\d+$/.test(name))
    .sort((a, b) => Number(a.slice(5)) - Number(b.slice(5)))
    .map((name) => ({ path: join('/dev', name), driver: readFileSync(join(folder, name, 'name'), 'utf8').trim() }))
    .filter(({ path }) => existsSync(path))
}

function hasLibcamera(): boolean {
  return libcameraFiles.some((file) => existsSync(file))
}
