import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { expect } from 'vitest'
import { projectRoot } from '../../engine/root.ts'
import type { Health } from '../../engine/routes/health.ts'
import { until } from './wait.ts'

/** A line of the engine's log. */
export type LogLine = { readonly level: string; readonly msg: string } & Readonly<Record<string, unknown>>

/** The built engine as a process of its own, whose limits and surroundings a test may change. */
export interface LimitedEngine extends AsyncDisposable {
  readonly pid: number
  readonly url: string
  readonly socketUrl: string
  /** What it has logged so far; empty where its output goes elsewhere. */
  readonly log: readonly LogLine[]
  health(): Promise<Health>
}

/** How it is started. `output`: a descriptor for standard output, or the test reads it as `log`. */
export interface LimitedEngineOptions {
  readonly settings: Readonly<Record<string, unknown>>
  readonly env?: Readonly<Record<string, string>>
  readonly node?: readonly [string, ...string[]]
  readonly output?: number
  readonly port?: number
}

/** Starts it and waits until it listens. Its end fails the test when it does not stop in time, or a host stays. */
export async function startLimitedEngine(options: LimitedEngineOptions): Promise<LimitedEngine> {
  const [command, ...before] = options.node ?? [process.execPath]
  const set = Object.entries(options.settings).flatMap(([path, value]) => ['--set', `${path}=${JSON.stringify(value)}`])
  const args = [
    ...before,
    join(projectRoot, 'dist/engine/main.js'),
    'start',
    '--port',
    String(options.port ?? 0),
    ...set,
  ]
  const { HAILSTREAM_MODELS_MIRROR: _, MODEL_PATH: __, ...environment } = process.env
  const child = spawn(command, args, {
    stdio: ['ignore', options.output ?? 'pipe', 'inherit'],
    env: { ...environment, ...options.env },
  })
  const ended = new Promise<string>((resolve) =>
    child.on('exit', (code, signal) => resolve(signal ?? `status ${code}`)),
  )
  const lines: LogLine[] = []
  let text = ''
  child.stdout?.on('data', (chunk) => {
    const parts = (text + chunk).split('\n')
    text = parts.pop() ?? ''
    lines.push(...parts.map((line) => JSON.parse(line) as LogLine))
  })
  const heard = () => lines.find(({ msg }) => msg === 'listening')?.url as string | undefined
  const known = options.port === undefined ? undefined : `http://127.0.0.1:${options.port}`
  const ask = async (url: string) =>
    (await (await fetch(`${url}/api/health`, { headers: { connection: 'close' } })).json()) as Health
  const find = async () => {
    const url = known ?? heard()
    return (
      url !== undefined &&
      ask(url).then(
        () => url,
        () => undefined,
      )
    )
  }
  const url = await until('an answer of the engine', find, 20_000).catch((error: unknown) => {
    child.kill('SIGKILL')
    throw error
  })
  return {
    pid: child.pid as number,
    url,
    socketUrl: url.replace('http', 'ws'),
    log: lines,
    health: () => ask(url),
    [Symbol.asyncDispose]: async () => {
      const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
      child.kill('SIGTERM')
      const how = await ended
      clearTimeout(timer)
      expect(how).toBe('status 0')
    },
  }
}

/** A port that nobody has now, for an engine whose log cannot tell its own. */
export async function findFreePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  return port
}
