import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import WebSocket from 'ws'
import type { StreamStatus } from '../../engine/core/running-stream.ts'
import type { Health } from '../../engine/routes/health.ts'
import { unpackBinary } from '../../engine/streams/wire.ts'
import { startApp } from './app.ts'
import { parseMetrics, sampleOf } from './metrics.ts'
import { until } from './wait.ts'

/** A picture as the viewer got it; `at` is a time of `performance.now()`. */
export interface SeenPicture {
  readonly at: number
  readonly n: number
  readonly size: string
}

/** An event of the camera's state topic; `at` is a time of `performance.now()`. */
export interface ToldState {
  readonly at: number
  readonly state: string
  readonly frozen: boolean
}

/** An engine with a network camera (`demo/camera`) that a viewer watches, and beside it a test source of 30 fps. */
export class RtspScene implements AsyncDisposable {
  readonly pictures: SeenPicture[] = []
  readonly told: ToldState[] = []
  readonly #engine: Awaited<ReturnType<typeof startApp>>
  readonly #beside: { readonly at: number; readonly seq: number; readonly capturedAt: number }[] = []
  readonly #viewer: WebSocket
  readonly #others: WebSocket[]

  constructor(engine: Awaited<ReturnType<typeof startApp>>) {
    this.#engine = engine
    const open = (topic: string) => new WebSocket(`${engine.socketUrl}/ws/demo/${topic}`)
    this.#others = [
      open('beside').on('message', (message) => {
        const { seq = -1, capturedAt = Number.NaN } = unpackBinary(message as Buffer).head
        this.#beside.push({ at: performance.now(), seq, capturedAt })
      }),
      open('camera/state').on('message', (message) => {
        const { state, frozen } = JSON.parse(message.toString()).event
        this.told.push({ at: performance.now(), state, frozen })
      }),
    ]
    this.#viewer = open('camera').on('message', (message) => {
      const { n = -1, width, height } = unpackBinary(message as Buffer).head
      this.pictures.push({ at: performance.now(), n, size: `${width}x${height}` })
    })
  }

  /** Both streams in `/api/health`. Fails when what came in is not what went out, was lost, failed or waits. */
  async streams(): Promise<{ camera: StreamStatus; beside: StreamStatus }> {
    const health = (await (await fetch(`${this.#engine.url}/api/health`)).json()) as Health
    const streams = health.pipelines[0]?.streams ?? []
    for (const { in: came, out, dropped, failed, waiting } of streams)
      expect(came).toBe(out + dropped + failed + waiting)
    const [camera, beside] = ['camera', 'beside'].map((name) => streams.find((stream) => stream.name === name))
    if (!camera || !beside) throw new Error('Expected both streams in health')
    return { camera, beside }
  }

  /** Resolves when the hub has told this state after `from`, with the milliseconds between; fails when health and metrics, asked then, say another. */
  async saysEverywhere(state: string, from: number): Promise<number> {
    const event = await until(`the hub to tell ${state}`, () =>
      this.told.find((told) => told.at >= from && told.state === state),
    )
    const [{ camera }, metrics] = await Promise.all([this.streams(), fetch(`${this.#engine.url}/metrics`)])
    expect(camera.state).toBe(state)
    const samples = parseMetrics(await metrics.text())
    for (const other of ['idle', 'opening', 'live', 'stalled', 'restarting', 'failed']) {
      const labels = { stream: 'camera', state: other }
      expect(sampleOf(samples, 'hailstream_stream_state', labels)).toBe(Number(other === state))
    }
    return event.at - from
  }

  /** Resolves at the first picture that came after `from`, with the milliseconds from then. */
  async pictureAfter(from: number): Promise<number> {
    const picture = await until('a picture', () => this.pictures.find(({ at }) => at > from), 60_000)
    return picture.at - from
  }

  /** Packets per second that the test source gave since a time of `performance.now()`, by their own times. */
  async besideSince(from: number): Promise<number> {
    const now = performance.now()
    const last = await until('a picture of the neighbour', () => this.#beside.find(({ at }) => at > now))
    const first = this.#beside.find(({ at }) => at > from) ?? last
    return ((last.seq - first.seq) * 1000) / (last.capturedAt - first.capturedAt)
  }

  /** The viewer goes. */
  leave(): void {
    this.#viewer.terminate()
  }

  /** The engine stops. */
  async stop(): Promise<void> {
    await this.#engine.app[Symbol.asyncDispose]()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of [this.#viewer, ...this.#others]) socket.terminate()
    await this.#engine[Symbol.asyncDispose]()
  }
}

/** Starts the engine and the viewer; resolves before a picture has come. */
export async function startRtspScene(url: string): Promise<RtspScene> {
  const camera = { source: 'stream', url, linger: 0 }
  const beside = { source: 'test', size: '64x48', rate: 30, linger: 0 }
  const pipeline = { name: 'demo', streams: { camera, beside }, publish: ['camera', 'beside'] }
  return new RtspScene(await startApp({ pipelines: [pipeline] }))
}

/** Process ids of the capture hosts of this process. */
export function captureHosts(): number[] {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').split(' ').filter(Boolean)
  return children.map(Number).filter((pid) => commandOf(pid).includes('hosts/capture.js'))
}

/** Empty when it has gone meanwhile. */
function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}
