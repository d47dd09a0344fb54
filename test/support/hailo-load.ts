import { setTimeout as sleep } from 'node:timers/promises'
import sharp from 'sharp'
import type { ResultMessage } from '../../engine/streams/wire.ts'
import { type BuiltEngine, nowMs, startBuiltEngine, type Viewer, watchTopic } from './built-engine.ts'
import { commandStandin, standinSocket } from './standin-control.ts'
import { until } from './wait.ts'

const clients = 20
/** Requests of a client are so far apart: they keep the device's queue filled, not the whole machine. */
const apartMs = 50
/** Longer than every deadline of ours: what does not end by then never would. */
const endsMs = 60_000

const streams = ['one', 'two', 'three', 'four']
const pipeline = {
  name: 'load',
  streams: Object.fromEntries(
    streams.flatMap((name) => [
      [`${name}-camera`, { source: 'test', pattern: 'ball', size: '320x240', rate: 5 }],
      [name, { from: `${name}-camera`, node: 'detect', priority: 31 }],
    ]),
  ),
  publish: streams,
}

/** What the requests came to. */
export interface Answers {
  /** By status; those whose connection broke are under 0. */
  readonly statuses: Map<number, number>
  /** Times of those that were answered with 200, in ms. */
  readonly took: number[]
  /** Refusals that do not say when to come back. */
  withoutRetry: number
}

/** An engine on the simulated device under the load of 4 live streams and 20 clients that ask all the time. */
export interface HailoLoad extends AsyncDisposable {
  readonly engine: BuiltEngine
  readonly answers: Answers
  readonly viewers: readonly Viewer[]
  command(name: string, more?: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>>
  /** Milliseconds from then until every stream has a result of a frame that was captured later, by that backend where one is named. */
  resumedAfter(moment: number, backend?: string): Promise<number>
  deviceState(): Promise<string>
  /** Ends the requests; resolves when each has ended. */
  stopAsking(): Promise<void>
}

/** Starts it; resolves when every stream has results of the device. */
export async function startHailoLoad(settings: Readonly<Record<string, unknown>> = {}): Promise<HailoLoad> {
  const engine = await startBuiltEngine({
    'hailo.standIn': true,
    pipelines: [pipeline],
    'hosts.threads': 1,
    ...settings,
  })
  const viewers = streams.map((name) => watchTopic(engine.socketUrl, `load/${name}`))
  const answers: Answers = { statuses: new Map(), took: [], withoutRetry: 0 }
  const asking = new AbortController()
  const picture = await redBox()
  const url = `${engine.socketUrl.replace('ws', 'http')}/api/detect`
  const asked = Array.from({ length: clients }, () => askOn(url, picture, answers, asking.signal))
  const resumedAfter = async (moment: number, backend?: string) => {
    const isNew = ({ message }: Viewer['arrivals'][number]) =>
      backend === undefined || (message as ResultMessage).backend === backend
    for (const { arrivals } of viewers)
      await until(
        `results by ${backend ?? 'any'}`,
        () => arrivals.some((arrival) => arrival.capturedAt > moment && isNew(arrival)),
        endsMs,
      )
    const firsts = viewers.map(
      ({ arrivals }) => arrivals.find((one) => one.capturedAt > moment && isNew(one))?.at ?? Number.NaN,
    )
    return Math.max(...firsts) - moment
  }
  const stopAsking = async () => {
    asking.abort()
    await Promise.all(asked)
  }
  await resumedAfter(0, 'hailo')
  return {
    ...{ engine, answers, viewers, resumedAfter, stopAsking },
    command: (control, more = {}) => commandStandin(standinSocket(engine.pid), { control, ...more }),
    deviceState: async () => (await engine.health()).devices.hailo?.state ?? '',
    [Symbol.asyncDispose]: async () => {
      await stopAsking()
      await Promise.all(viewers.map((viewer) => viewer.leave()))
      await engine[Symbol.asyncDispose]()
    },
  }
}

/** As the stand-in sees it: a person. */
function redBox(): Promise<Buffer> {
  const box = {
    input: { create: { width: 80, height: 160, channels: 3 as const, background: '#f00' } },
    left: 200,
    top: 100,
  }
  const grey = { width: 640, height: 480, channels: 3 as const, background: { r: 114, g: 114, b: 114 } }
  return sharp({ create: grey }).composite([box]).jpeg({ chromaSubsampling: '4:4:4' }).toBuffer()
}

async function askOn(url: string, picture: Buffer, answers: Answers, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const askedAt = nowMs()
    const status = await askOnce(url, picture, answers)
    answers.statuses.set(status, (answers.statuses.get(status) ?? 0) + 1)
    if (status === 200) answers.took.push(nowMs() - askedAt)
    await sleep(apartMs)
  }
}

async function askOnce(url: string, picture: Buffer, answers: Answers): Promise<number> {
  try {
    const headers = { 'content-type': 'image/jpeg' }
    const response = await fetch(url, { method: 'POST', body: picture, headers, signal: AbortSignal.timeout(endsMs) })
    await response.arrayBuffer()
    if (response.status === 503 && response.headers.get('retry-after') === null) answers.withoutRetry++
    return response.status
  } catch {
    return 0
  }
}
