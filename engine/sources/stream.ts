import { z } from 'zod'
import {
  formatOption,
  integerOption,
  multipartLaunch,
  rateOption,
  rtspLaunch,
  type Size,
  sizeOption,
  uriLaunch,
  type VideoOptions,
} from '../hosts/launch.ts'
import { defineSource } from '../tools.ts'

/** What an address with one of these endings gives is no JPEG multipart. */
const mediaFile = /\.(m3u8|mpd|mp4|m4v|mov|mkv|webm|ts|avi|flv|ogv|mpe?g)$/i

export default defineSource({
  name: 'stream',
  summary: 'A network camera: RTSP, MJPEG over HTTP, or any address that GStreamer plays.',
  emits: 'image',
  live: true,
  options: z.strictObject({
    url: z
      .url({
        protocol: /^(rtsps?|https?)$/,
        error: (issue) => `Expected url to be an rtsp or http address, received ${JSON.stringify(issue.input)}`,
      })
      .describe('rtsp://… or http://…; name and password may stand in it.'),
    encoding: z
      .enum(['auto', 'mjpeg', 'any'])
      .default('auto')
      .describe(
        'mjpeg: JPEG frames in a multipart answer. auto: mjpeg for http, unless the address names a media file.',
      ),
    latency: integerOption('latency', 0, 10_000)
      .default(100)
      .describe('RTSP: milliseconds for which packets wait for late ones.'),
    size: sizeOption.optional().describe('Scales the picture; not for mjpeg.'),
    rate: rateOption.optional().describe('The most frames per second; not for mjpeg.'),
    format: formatOption.optional(),
  }),
  open({ url, encoding, latency, ...video }, tools) {
    const launches = [chooseLaunch(url, encoding, latency, video, tools.capture.maxSize)]
    const request = { launches, format: video.format ?? 'i420', loop: false, whenFull: 'skip', drawSeq: false } as const
    return tools.capture.open(`${tools.pipeline}/${tools.stream}`, request, tools)
  },
})

function chooseLaunch(
  url: string,
  encoding: 'auto' | 'mjpeg' | 'any',
  latency: number,
  video: VideoOptions,
  maxSize: Size,
): string {
  const { protocol, pathname } = new URL(url)
  if (protocol.startsWith('rtsp')) return rtspLaunch(url, latency, video, maxSize)
  const multipart = encoding === 'mjpeg' || (encoding === 'auto' && !mediaFile.test(pathname))
  return multipart ? multipartLaunch(url) : uriLaunch(url, video, maxSize)
}
