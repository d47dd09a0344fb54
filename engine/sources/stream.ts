import { type LookupAddress, promises } from 'node:dns'
import { connect, type LookupFunction } from 'node:net'
import { concat, defer, Observable, retry, throwError, timer } from 'rxjs'
import { z } from 'zod'
import { EngineError } from '../errors.ts'
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

/**
 * A server that is away is asked again after so long: with the start of a capture host and the first picture (a second or
 * so) frames come well within 3 s of its return.
 */
const knockEveryMs = 500
/** For so long it is asked, before the attempt has failed and the stream says so. */
const attemptMs = 2000
/** How long a connection may take: the kernel repeats a request for one after 1 s, then only 2, 4 and more seconds later. */
const connectMs = 2000
/** How long the answer may take then. A server that has frozen gives it as soon as it goes on; one far away may need seconds. */
const answerMs = 5000
const defaultPorts: Readonly<Record<string, number>> = { 'rtsp:': 554, 'rtsps:': 322, 'http:': 80, 'https:': 443 }

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
    const { maxSize } = tools.capture
    const common = { format: video.format ?? 'i420', loop: false, whenFull: 'skip', drawSeq: false } as const
    const request = isMultipart(url, encoding)
      ? { ...common, launches: [multipartLaunch(url)] }
      : { ...common, launches: [decodedLaunch(url, latency, video, maxSize)], again: 'recent' as const }
    const frames = tools.capture.open(`${tools.pipeline}/${tools.stream}`, request, tools)
    const address = new URL(url)
    return usesProxy(address) ? frames : concat(untilAnswered(address), frames)
  },
})

/** GStreamer then asks the proxy, and the server itself may be out of reach. */
function usesProxy({ protocol }: URL): boolean {
  const names = [`${protocol.slice(0, -1)}_proxy`, 'all_proxy']
  return protocol.startsWith('http') && names.some((name) => process.env[name] || process.env[name.toUpperCase()])
}

/**
 * Completes when the server answers; fails with `unavailable` when it does not within seconds. A capture host is started
 * only then: to ask is almost free, where a host that cannot connect costs a quarter of a second of CPU each time.
 */
export function untilAnswered(address: URL): Observable<never> {
  return defer(() => {
    const endAt = performance.now() + attemptMs
    const again = (error: NodeJS.ErrnoException) =>
      performance.now() + knockEveryMs < endAt ? timer(knockEveryMs) : throwError(() => unanswered(address, error))
    return knock(address).pipe(retry({ delay: again }))
  })
}

function unanswered({ host }: URL, { code, message }: NodeJS.ErrnoException): EngineError {
  return new EngineError('unavailable', `Expected an answer of ${host}, received ${code ?? message}`)
}

/** Connects once. An RTSP server is asked for its options: the kernel accepts connections also for one that has frozen. */
function knock({ protocol, hostname, port, host, pathname, search }: URL): Observable<never> {
  return new Observable((subscriber) => {
    const socket = connect({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port) || (defaultPorts[protocol] as number),
      lookup: lookupOnce,
      autoSelectFamily: true,
      timeout: connectMs,
    })
    socket.on('error', (error) => subscriber.error(error))
    socket.on('close', () => subscriber.error(new Error('the end of the connection')))
    socket.on('timeout', () => subscriber.error(new Error(`none within ${socket.timeout} ms`)))
    socket.on('data', () => subscriber.complete())
    socket.on('connect', () => {
      if (protocol !== 'rtsp:') return subscriber.complete()
      socket.setTimeout(answerMs)
      socket.write(`OPTIONS rtsp://${host}${pathname}${search} RTSP/1.0\r\nCSeq: 1\r\n\r\n`)
    })
    return () => socket.destroy()
  })
}

/** Names that are being looked up. Each takes a thread until the name server has answered, and there are few. */
const lookups = new Map<string, Promise<LookupAddress[]>>()

const lookupOnce: LookupFunction = (hostname, _, done) => {
  const addresses =
    lookups.get(hostname) ?? promises.lookup(hostname, { all: true }).finally(() => lookups.delete(hostname))
  lookups.set(hostname, addresses)
  addresses.then(
    (found) => done(null, found),
    (error: NodeJS.ErrnoException) => done(error, []),
  )
}

function isMultipart(url: string, encoding: 'auto' | 'mjpeg' | 'any'): boolean {
  const { protocol, pathname } = new URL(url)
  if (protocol.startsWith('rtsp')) return false
  return encoding === 'mjpeg' || (encoding === 'auto' && !mediaFile.test(pathname))
}

function decodedLaunch(url: string, latency: number, video: VideoOptions, maxSize: Size): string {
  return new URL(url).protocol.startsWith('rtsp')
    ? rtspLaunch(url, latency, video, maxSize)
    : uriLaunch(url, video, maxSize)
}
