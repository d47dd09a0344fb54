import { setMaxListeners } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import type { SharedPool } from '../../engine/hosts/host.ts'
import { loadCatalogue } from '../../engine/inference/catalogue.ts'
import { HailoLanguageBackend } from '../../engine/inference/hailo-language-backend.ts'
import { type HailoDeadlines, HailoLanguageHost } from '../../engine/inference/hailo-language-host.ts'
import { HailoPictures } from '../../engine/inference/hailo-pictures.ts'
import { HailoRecogniser } from '../../engine/inference/hailo-recogniser.ts'
import type { LanguageEvent, LanguageRequest, LanguageUsage, ToolCall } from '../../engine/inference/language.ts'
import { LanguageEngine } from '../../engine/inference/language-engine.ts'
import { LearnedSizes } from '../../engine/inference/learned-sizes.ts'
import { ModelStore } from '../../engine/inference/model-store.ts'
import { Residency } from '../../engine/inference/residency.ts'
import type { ResidencyEvent } from '../../engine/inference/residency-options.ts'
import { TrustedFiles } from '../../engine/inference/trusted-files.ts'
import { createSharedPool } from './shared-pool.ts'
import { type Standin, startStandin } from './standin.ts'

/** A request of a client. */
export const client = { priority: 'interactive', user: 'POST /api/chat' } as const
export const never = new AbortController().signal
setMaxListeners(0, never)

/** Language models on a simulated device, as the engine has them. */
export interface HailoLanguageSetup extends AsyncDisposable {
  readonly standin: Standin
  readonly host: HailoLanguageHost
  readonly backend: HailoLanguageBackend
  readonly engine: LanguageEngine
  readonly recogniser: HailoRecogniser
  readonly residency: Residency
  readonly pool: SharedPool
  readonly events: readonly ResidencyEvent[]
  /** Slots that are lent to the host now. */
  lent(): number
}

export interface HailoLanguageOptions {
  readonly tokenSpeed?: number
  readonly pinned?: readonly string[]
  readonly deadlines?: Partial<HailoDeadlines>
  /** Divides the times of loading. */
  readonly speed?: number
  /** Bytes of the device for models; left out: no bound. */
  readonly budget?: () => number | null
}

/** Each with a device, a host and a state folder of its own. */
export async function createHailoLanguage(options: HailoLanguageOptions = {}): Promise<HailoLanguageSetup> {
  const { tokenSpeed = 50, speed = 200, pinned = [], deadlines = {}, budget = () => null } = options
  const log = pino({ level: process.env.LOG_LEVEL ?? 'silent' })
  const standin = await startStandin({ tokenSpeed, speed })
  const stateFolder = await mkdtemp(join(tmpdir(), 'hailstream-language-'))
  const pool = createSharedPool(8)
  const catalogue = loadCatalogue()
  const store = new ModelStore({ catalogue, stateFolder, paths: [standin.folder], mirror: null, log })
  const events: ResidencyEvent[] = []
  const onEvent = (event: ResidencyEvent) => void events.push(event)
  const residency = new Residency({ budget, pinned, keepAlive: -1, onEvent })
  const sizes = new LearnedSizes({ stateFolder, log })
  const host = new HailoLanguageHost({ support: standin.support, pool, log, deadlines })
  const trusted = new TrustedFiles(stateFolder, (path) => store.search.hashOf(path))
  const pictures = new HailoPictures(host, pool)
  const backend = new HailoLanguageBackend({ host, pictures, catalogue, store, trusted })
  const engine = new LanguageEngine({ backends: [backend], residency, sizes, log })
  const openStream = () => Promise.reject(new Error('Expected nobody to open a stream here'))
  const recogniser = new HailoRecogniser({ host, store, catalogue, residency, sizes, trusted, openStream })
  return {
    ...{ standin, host, backend, engine, recogniser, residency, pool, events },
    lent: () => pool.ledger.stats().lent,
    [Symbol.asyncDispose]: async () => {
      residency[Symbol.dispose]()
      recogniser[Symbol.dispose]()
      await engine[Symbol.asyncDispose]()
      await host[Symbol.asyncDispose]()
      await sizes[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
      pool.memory.close()
      await rm(stateFolder, { recursive: true })
      await standin[Symbol.asyncDispose]()
    },
  }
}

/** An answer, read to its end. */
export interface ReadAnswer {
  readonly text: string
  readonly thinking: string
  readonly calls: readonly ToolCall[]
  readonly reason: string
  readonly usage: LanguageUsage
  readonly events: readonly LanguageEvent[]
}

/** Reads all; throws what the answer throws, or when it has no end. */
export async function readAnswer(answer: AsyncIterable<LanguageEvent>): Promise<ReadAnswer> {
  const events: LanguageEvent[] = []
  for await (const event of answer) events.push(event)
  const last = events.at(-1)
  if (last?.type !== 'done') throw new Error(`Expected an answer to end with done, received ${last?.type}`)
  const textOf = (type: 'text' | 'thinking') =>
    events.flatMap((event) => (event.type === type ? [event.text] : [])).join('')
  const calls = events.flatMap((event) => (event.type === 'tool-call' ? [event.call] : []))
  return { text: textOf('text'), thinking: textOf('thinking'), calls, reason: last.reason, usage: last.usage, events }
}

/** A request with one turn of the user. */
export function say(content: string, more: Partial<LanguageRequest> = {}): LanguageRequest {
  return { input: { messages: [{ role: 'user', content }] }, sampling: { temperature: 0 }, ...more }
}
