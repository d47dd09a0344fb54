import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { loadCatalogue } from '../../engine/inference/catalogue.ts'
import type {
  LanguageEvent,
  LanguageModel,
  LanguageRequest,
  LanguageUsage,
  Sampling,
} from '../../engine/inference/language.ts'
import { LlamaBackend } from '../../engine/inference/llama.ts'
import { ModelStore } from '../../engine/inference/model-store.ts'
import { createSharedPool } from './shared-pool.ts'

/** A backend of llama.cpp with one thread, as the engine makes it. */
export interface LlamaSetup extends AsyncDisposable {
  readonly backend: LlamaBackend
  /** Its own, and searched for models. */
  readonly folder: string
}

/** `paths`: folders with models, searched beside its own. */
export async function createLlama(
  paths: readonly string[],
  more: { readonly entry?: string } = {},
): Promise<LlamaSetup> {
  const folder = await mkdtemp(join(tmpdir(), 'hailstream-llama-'))
  const pool = createSharedPool(8, 4096)
  // What is expected to go wrong here is looked for by the tests.
  const log = pino({ level: 'silent' })
  const catalogue = loadCatalogue()
  const folders = [...paths, folder]
  const store = new ModelStore({ catalogue, stateFolder: folder, paths: folders, mirror: null, log })
  const hashOf = (path: string) => store.search.hashOf(path)
  const files = { catalogue, store, folders, hashOf }
  const backend = new LlamaBackend({ pool, ...files, threads: 1, contextLength: 4096, log, ...more })
  return {
    backend,
    folder,
    async [Symbol.asyncDispose]() {
      await backend[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
      pool.memory.close()
      await rm(folder, { recursive: true })
    },
  }
}

/** What was said, and how it ended. */
export interface Answer {
  readonly text: string
  readonly thinking: string
  readonly events: readonly LanguageEvent[]
  readonly reason: string
  readonly usage: LanguageUsage
}

/** Asks for an answer and waits for its end. */
export async function ask(
  model: LanguageModel,
  request: Omit<LanguageRequest, 'sampling'> & { readonly sampling?: Sampling },
  signal = new AbortController().signal,
): Promise<Answer> {
  const events: LanguageEvent[] = []
  for await (const event of model.generate({ sampling: {}, ...request }, signal)) events.push(event)
  const done = events.at(-1)
  if (done?.type !== 'done') throw new Error(`Expected an answer to end with done, received ${JSON.stringify(done)}`)
  const { reason, usage } = done
  return { text: textOf(events, 'text'), thinking: textOf(events, 'thinking'), events, reason, usage }
}

function textOf(events: readonly LanguageEvent[], type: 'text' | 'thinking'): string {
  return events.map((event) => (event.type === type ? event.text : '')).join('')
}
