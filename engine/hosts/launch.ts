import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import type { PixelFormat } from '../core/packet.ts'
import { EngineError } from '../errors.ts'

/** Width and height in pixels. */
export interface Size {
  readonly width: number
  readonly height: number
}

const minSide = 16
const maxSide = 8192

/** Size as `1280x720`. */
export const sizeOption = z
  .string({ error: (issue) => `Expected size to be like 1280x720, received ${JSON.stringify(issue.input)}` })
  .refine((text) => parseSize(text) !== undefined, {
    error: (issue) =>
      `Expected size to be like 1280x720, ${minSide} to ${maxSide} pixels a side, received ${JSON.stringify(issue.input)}`,
  })
  .describe('Width and height in pixels, as 1280x720.')

/** Frames per second. */
export const rateOption = integerOption('rate', 1, 120).describe('Frames per second.')

/** Format of the pixels in the slots. */
export const formatOption = z
  .enum(['rgb', 'nv12', 'i420'])
  .describe('Pixels of the frames; left out, what takes no conversion.')

/** An integer whose error says what was expected and what came. */
export function integerOption(name: string, min: number, max: number) {
  const error = (issue: { readonly input?: unknown }) =>
    `Expected ${name} to be ${min} to ${max}, received ${JSON.stringify(issue.input)}`
  return z.number({ error }).int({ error }).min(min, { error }).max(max, { error })
}

/** The size that an option gives; undefined for a text that is none. */
export function parseSize(text: string): Size | undefined {
  const [, width, height] = /^(\d{1,5})x(\d{1,5})$/.exec(text) ?? []
  const size = { width: Number(width), height: Number(height) }
  const fits = (side: number) => side >= minSide && side <= maxSide
  return fits(size.width) && fits(size.height) ? size : undefined
}

/** Wishes of a source: size as 1280x720, frames per second, format of the pixels. */
export interface VideoOptions {
  readonly size?: string | undefined
  readonly rate?: number | undefined
  readonly format?: PixelFormat | undefined
}

/** Live sources: what the host has not pulled in time is dropped by the appsink, which keeps latency down. */
const liveSink = 'gdppay ! appsink name=sink sync=false max-buffers=2 drop=true'
const decodedOnly = 'caps="video/x-raw(ANY)" expose-all-streams=false'

/**
 * A V4L2 camera. The size and rate are wishes: the camera takes the nearest that it has. `mjpeg`: frames stay compressed
 * until they are decoded into their slot. Throws `invalid` for a device that is no path of a device.
 */
export function v4l2Launch(device: string, encoding: 'mjpeg' | 'raw', options: VideoOptions, maxSize: Size): string {
  const source = `v4l2src device=${quote(checkDevice(device))}`
  if (encoding === 'mjpeg') return `${source} ! image/jpeg${wishes(options)};image/jpeg ! ${liveSink}`
  return `${source} ! video/x-raw${wishes(options)};video/x-raw ! ${toRaw({ format: options.format }, maxSize)} ! ${liveSink}`
}

/** A camera through libcamera, as on a Raspberry Pi. `camera`: libcamera's name for it; empty takes the first. */
export function libcameraLaunch(camera: string, options: VideoOptions, maxSize: Size): string {
  const source = camera === '' ? 'libcamerasrc' : `libcamerasrc camera-name=${quote(checkText('device', camera))}`
  return `${source} ! video/x-raw${wishes(options)} ! ${toRaw({ format: options.format ?? 'nv12' }, maxSize)} ! ${liveSink}`
}

/** RTSP over TCP. `latencyMs`: what the jitter buffer holds back. */
export function rtspLaunch(url: string, latencyMs: number, options: VideoOptions, maxSize: Size): string {
  const source = `rtspsrc location=${quote(encodeUrl(url))} protocols=tcp latency=${latencyMs} tcp-timeout=5000000`
  return `${source} ! application/x-rtp,media=video ! decodebin ! ${toRaw(options, maxSize)} ! ${liveSink}`
}

/** JPEG frames in a multipart HTTP answer, as network cameras and ESP32-CAM send them. Frames stay compressed until they are decoded into their slot. */
export function multipartLaunch(url: string): string {
  const source = `souphttpsrc location=${quote(encodeUrl(url))} is-live=true do-timestamp=true timeout=5 retries=0`
  return `${source} ! multipartdemux single-stream=true ! image/jpeg ! ${liveSink}`
}

/** Any address that GStreamer can play. */
export function uriLaunch(url: string, options: VideoOptions, maxSize: Size): string {
  return `uridecodebin uri=${quote(encodeUrl(url))} ${decodedOnly} ! ${toRaw(options, maxSize)} ! ${liveSink}`
}

/** A file; `real` at the pace of its timestamps, `max` as fast as slots come free. `:` links the decoder again at each loop. */
export function fileLaunch(path: string, pace: 'real' | 'max', options: VideoOptions, maxSize: Size): string {
  const source = `uridecodebin uri=${quote(encodeUrl(pathToFileURL(path).href))} ${decodedOnly}`
  const sink = pace === 'real' ? 'sync=true max-buffers=2 drop=true' : 'sync=false max-buffers=2 drop=false'
  return `${source} : ${toRaw(options, maxSize)} ! gdppay ! appsink name=sink ${sink}`
}

/** GStreamer's test pictures, live. `pattern`: a name that videotestsrc knows. */
export function testLaunch(pattern: string, size: Size, rate: number, format: PixelFormat): string {
  const caps = `video/x-raw,format=${gstFormat(format)},width=${size.width},height=${size.height},framerate=${rate}/1`
  return `videotestsrc pattern=${quote(checkText('pattern', pattern))} is-live=true ! ${caps} ! ${liveSink}`
}

/** Rate, size and format of raw video, doing nothing where they fit already. Pictures larger than a slot are reduced. */
function toRaw({ size, rate, format }: VideoOptions, maxSize: Size): string {
  const wanted = size === undefined ? undefined : parseSize(size)
  const dimensions = wanted
    ? `width=${wanted.width},height=${wanted.height}`
    : `width=[1,${maxSize.width}],height=[1,${maxSize.height}]`
  const formats = format === undefined ? '{I420,NV12}' : gstFormat(format)
  return [
    ...(rate === undefined ? [] : [`videorate drop-only=true max-rate=${rate}`]),
    'videoscale',
    'videoconvert',
    `video/x-raw,format=(string)${formats},${dimensions},pixel-aspect-ratio=1/1`,
  ].join(' ! ')
}

function wishes({ size, rate }: VideoOptions): string {
  const wanted = size === undefined ? undefined : parseSize(size)
  return [
    ...(wanted ? [`,width=${wanted.width},height=${wanted.height}`] : []),
    ...(rate === undefined ? [] : [`,framerate=${rate}/1`]),
  ].join('')
}

function gstFormat(format: PixelFormat): string {
  return format.toUpperCase()
}

function checkDevice(device: string): string {
  if (/^\/dev\/[\w./:+@-]+$/.test(device)) return device
  throw new EngineError('invalid', `Expected device to be a path like /dev/video0, received ${JSON.stringify(device)}`)
}

/** Text that may stand between quotes: gst-launch's own escapes are not safe with a backslash at the end. Throws `invalid`. */
export function checkText(name: string, text: string): string {
  if (/^[^"\\\p{Cc}]+$/u.test(text)) return text
  throw new EngineError(
    'invalid',
    `Expected ${name} without quotes, backslashes and control characters, received ${JSON.stringify(text)}`,
  )
}

/** An address that may stand between quotes. Throws `invalid` for text that is none. */
export function encodeUrl(url: string): string {
  if (!URL.canParse(url)) throw new EngineError('invalid', `Expected an address, received ${JSON.stringify(url)}`)
  return new URL(url).href.replaceAll('"', '%22').replaceAll('\\', '%5C')
}

/** A value of a property in a description. */
export function quote(text: string): string {
  return `"${text}"`
}
