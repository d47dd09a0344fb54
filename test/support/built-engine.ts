import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect } from 'vitest'
import WebSocket from 'ws'
import { projectRoot } from '../../engine/root.ts'
import type { Health } from '../../engine/routes/health.ts'
import { type BinaryHead, type ResultMessage, unpackBinary } from '../../engine/streams/wire.ts'
import { parseMetrics, sampleOf } from './metrics.ts'
import { childrenOf, descriptorsOf, isRunning, residentBytes } from './processes.ts'
import { until } from './wait.ts'

/** What an engine holds that must be given back. */
export interface Holdings {
  readonly descriptors: Readonly<Record<string, number>>
  readonly children: number
  readonly slots: { readonly free: number; readonly lent: number; readonly held: number }
  readonly leaked: number
  readonly staleLoans: number
}

/** The built engine as a process of its own, whose faults are nobody else's. */
export interface BuiltEngine extends AsyncDisposable {
  readonly pid: number
  readonly socketUrl: string
  health(): Promise<Health>
  /** The process of the host of that name, once there is one. */
  hostPid(name: string): Promise<number>
  /** What it holds now; a connection that was just closed may still be among it. */
  holdings(): Promise<Holdings>
  /** Resident bytes without JavaScript's garbage. */
  residentBytes(): Promise<number>
}

/** Starts `dist/`; disposing kills it and waits until it is gone. `settings` are those of `--set`. */
export async function startBuiltEngine(settings: Readonly<Record<string, unknown>>): Promise<BuiltEngine> {
  const set = Object.entries(settings).flatMap(([path, value]) => ['--set', `${path}=${JSON.stringify(value)}`])
  const main = join(projectRoot, 'dist/engine/main.js')
  const args = ['--inspect=127.0.0.1:0', main, 'start', '--port', '0', '--log-level', 'info', ...set]
  const engine = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let printed = ''
  engine.stdout.on('data', (chunk) => (printed += chunk))
  engine.stderr.on('data', (chunk) => (printed += chunk))
  const url = await until('the address', () => /"(http:\/\/[^"]+)"/.exec(printed)?.[1], 20_000)
  const inspector = await connectInspector(await until('the inspector', () => /ws:\/\/\S+/.exec(printed)?.[0]))
  const pid = engine.pid as number
  const { get, close } = createGet(url)
  const health = async () => JSON.parse(await get('/api/health')) as Health
  const hostPid = (name: string) =>
    until(`the host ${name}`, async () => (await health()).hosts.find((one) => one.name === name)?.pid ?? undefined)
  return {
    pid,
    socketUrl: url.replace('http', 'ws'),
    health,
    hostPid,
    holdings: () => readHoldings(get, pid),
    residentBytes: async () => {
      await inspector.collectGarbage()
      return residentBytes(pid)
    },
    [Symbol.asyncDispose]: async () => {
      inspector.close()
      close()
      engine.kill('SIGKILL')
      await until('the end of the engine', () => !isRunning(pid))
    },
  }
}

/** Asks by one connection, which stays: it is the same one at every count of descriptors. */
function createGet(url: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const get = async (path: string): Promise<string> => {
    const [answer] = (await once(request(`${url}${path}`, { agent }).end(), 'response')) as [IncomingMessage]
    return text(answer)
  }
  return { get, close: () => agent.destroy() }
}

type Get = (path: string) => Promise<string>

async function readHoldings(get: Get, pid: number): Promise<Holdings> {
  const samples = parseMetrics(await get('/metrics'))
  const read = (name: string, labels = {}) => sampleOf(samples, `hailstream_${name}`, labels) ?? Number.NaN
  const slots = (state: string) => read('images', { state })
  return {
    descriptors: descriptorsOf(pid),
    children: childrenOf(pid).length,
    slots: { free: slots('free'), lent: slots('lent'), held: slots('held') },
    leaked: read('images_leaked_total'),
    staleLoans: read('images_stale_loans_total'),
  }
}

/** To collect garbage in another process there is no other way. */
async function connectInspector(address: string) {
  const socket = new WebSocket(address)
  await once(socket, 'open')
  return {
    collectGarbage: async () => {
      socket.send(JSON.stringify({ id: 1, method: 'HeapProfiler.collectGarbage' }))
      await once(socket, 'message')
    },
    close: () => socket.close(),
  }
}

/** A message of a topic, and when it came: Unix ms, as `capturedAt` is. */
export interface Arrival {
  readonly at: number
  readonly capturedAt: number
  readonly seq: number
  readonly message: ResultMessage | BinaryHead
}

/** A subscriber of one topic. */
export interface Viewer {
  /** Everything since the subscription. */
  readonly arrivals: readonly Arrival[]
  leave(): Promise<void>
}

/** Unix ms, by the clock that does not jump. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now()
}

/** Subscribes to `<pipeline>/<stream>`; arrivals are kept until it leaves. */
export function watchTopic(socketUrl: string, topic: string): Viewer {
  const socket = new WebSocket(`${socketUrl}/ws/${topic}`)
  const arrivals: Arrival[] = []
  // An engine that is killed breaks its sockets: what does not come is missed by who waits for it.
  socket.on('error', () => undefined)
  const left = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  socket.on('message', (bytes: Buffer, isBinary: boolean) => {
    const message = isBinary ? unpackBinary(bytes).head : (JSON.parse(bytes.toString()) as ResultMessage)
    const { capturedAt = Number.NaN, seq = Number.NaN } = message
    arrivals.push({ at: nowMs(), capturedAt, seq, message })
  })
  return {
    arrivals,
    leave: () => {
      socket.close()
      return left
    },
  }
}

/** What the engine holds when nothing is under way: the same several times in a row. */
export async function restingHoldings(engine: BuiltEngine): Promise<Holdings> {
  let last = await engine.holdings()
  let same = 0
  await until('an engine at rest', async () => {
    const now = await engine.holdings()
    same = JSON.stringify(now) === JSON.stringify(last) ? same + 1 : 0
    last = now
    return same === 10
  })
  return last
}

/** Waits until the engine holds what it held before, and says what is more or less if it never does. */
export async function expectHoldings(engine: BuiltEngine, before: Holdings): Promise<void> {
  let now = await engine.holdings()
  const isBack = async () => {
    now = await engine.holdings()
    return JSON.stringify(now) === JSON.stringify(before)
  }
  await until('all to be given back', isBack).catch(() => undefined)
  // Not asked anew: at any moment the engine may have a file of /proc open to look at the machine.
  expect(now).toEqual(before)
}

/**
 * Holds the growth from the first of these measurements to the last to a bound, by the line that fits them best: one alone may be
 * anywhere. All in bytes.
 */
export function expectNoGrowth(resident: readonly number[], maxGrowth: number): void {
  const middle = (resident.length - 1) / 2
  const mean = resident.reduce((sum, one) => sum + one, 0) / resident.length
  const covariance = resident.reduce((sum, one, i) => sum + (i - middle) * (one - mean), 0)
  const variance = resident.reduce((sum, _, i) => sum + (i - middle) ** 2, 0)
  const growth = (covariance / variance) * (resident.length - 1)
  expect(growth, resident.map((one) => `${Math.round(one / 1000)} kB`).join(', ')).toBeLessThan(maxGrowth)
}
