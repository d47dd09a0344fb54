import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from '../../engine/root.ts'
import type { Health } from '../../engine/routes/health.ts'
import { hasTestData, testData } from '../support/data.ts'
import { parseMetrics, type Sample, sampleOf } from '../support/metrics.ts'
import { until } from '../support/wait.ts'
import { Child } from './child.ts'
import type { FanOutOrder } from './fan-out-clients.ts'

const startMs = 30_000

/** What the engine is started with. */
export interface EngineOptions {
  readonly pipelines: readonly object[]
  /** As for `--set`, by path. */
  readonly settings: Readonly<Record<string, unknown>>
  /** Node's own flags. */
  readonly flags?: readonly string[]
}

/** The built engine as its users start it, with its hosts. Disposing stops it. */
export class EngineProcess implements AsyncDisposable {
  readonly url: string
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, url: string) {
    this.#child = child
    this.url = url
  }

  /** Resolves once it listens. */
  static async start({ pipelines, settings, flags = [] }: EngineOptions): Promise<EngineProcess> {
    const all = { ...settings, pipelines }
    const set = Object.entries(all).flatMap(([path, value]) => ['--set', `${path}=${JSON.stringify(value)}`])
    const file = join(projectRoot, 'dist/engine/main.js')
    const child = spawn(process.execPath, [...flags, file, 'start', '--port', '0', '--log-level', 'info', ...set], {
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      serialization: 'advanced',
    })
    let text = ''
    child.stdout?.on('data', (chunk) => (text += chunk))
    try {
      const url = await until('the engine to listen', () => /http:\/\/[^"]+/.exec(text)?.[0], startMs)
      return new EngineProcess(child, url)
    } catch (error) {
      child.kill('SIGKILL')
      throw error
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  get port(): number {
    return Number(new URL(this.url).port)
  }

  async health(): Promise<Health> {
    return (await (await fetch(`${this.url}/api/health`)).json()) as Health
  }

  /** The process of a host, as `vision` or `capture:bench/camera`. */
  async hostPid(host: string): Promise<number> {
    const found = (await this.health()).hosts.find(({ name }) => name === host)?.pid
    if (!found) throw new Error(`Expected a host ${host}`)
    return found
  }

  async metrics(): Promise<Sample[]> {
    return parseMetrics(await (await fetch(`${this.url}/metrics`)).text())
  }

  /** So many subscribers of a topic, in a process of their own, until it is disposed. */
  async watch(topic: string, clients: number): Promise<Child> {
    const child = new Child('fan-out-clients')
    const times = { warmUpMs: 0, measureMs: 3_600_000 }
    const order: FanOutOrder = { port: this.port, path: `/ws/${topic}`, clients, acknowledge: false, ...times }
    await child.ask(order, 'ready')
    return child
  }

  /** Asks what was loaded into it by a flag; its next message. */
  async ask<T>(order: object): Promise<T> {
    const answer = once(this.#child, 'message')
    this.#child.send(order)
    return (await answer)[0] as T
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await ended
  }
}

/** Packets that a stream has given so far. */
export function resultsOf(samples: readonly Sample[], stream: string): number {
  return sampleOf(samples, 'hailstream_packets_out_total', { stream }) ?? 0
}

/** The detector's file: YOLOv8n of the test data, else what comes with the installation. */
export function detectorFile(): string {
  if (hasTestData) return testData('models/yolov8n.onnx')
  const folder = join(process.env.HAILSTREAM_STATE ?? join(projectRoot, '.state'), 'models')
  const file = readdirSync(folder).find((name) => name.startsWith('centernet-mobilenet'))
  if (file === undefined) throw new Error('Expected the bundled detector. Run: npm run setup')
  return join(folder, file)
}

/** The setting `models.paths` with which the engine chooses that detector. */
export const detectorPaths: readonly string[] = hasTestData ? [testData('models')] : []
