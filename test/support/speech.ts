import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadCatalogue } from '../../engine/inference/catalogue.ts'
import { ModelStore } from '../../engine/inference/model-store.ts'
import { Residency } from '../../engine/inference/residency.ts'
import type { Recogniser, SpokenSegment } from '../../engine/inference/speech.ts'
import { SpeechEngine, type SpeechEngineOptions } from '../../engine/inference/speech-engine.ts'
import { createSharedPool, testLog } from './shared-pool.ts'

export interface SpeechSetup extends AsyncDisposable {
  readonly speech: SpeechEngine
  readonly residency: Residency
  readonly stateFolder: string
  /** Process number of the speech host, which must run. */
  hostPid(): number
}

/** A speech engine with its own pool and state folder, as `app.ts` makes one. `paths`: folders with models. */
export async function createSpeech(
  options: Partial<Pick<SpeechEngineOptions, 'paths' | 'others' | 'stateFolder'>> = {},
): Promise<SpeechSetup> {
  const pool = createSharedPool(5, 1 << 16)
  const stateFolder = await mkdtemp(join(tmpdir(), 'hailstream-speech-test-'))
  const catalogue = loadCatalogue()
  const { paths = [] } = options
  const store = new ModelStore({ catalogue, stateFolder, paths, mirror: null, log: testLog })
  const residency = new Residency({ budget: () => null, pinned: [], keepAlive: -1 })
  const parts = { pool, catalogue, store, residency, stateFolder, paths, threads: 1, log: testLog }
  const speech = new SpeechEngine({ ...parts, ...options })
  return {
    speech,
    residency,
    stateFolder,
    hostPid: () => {
      const pid = speech.hosts()[0]?.pid
      if (!pid) throw new Error('Expected the speech host to run')
      return pid
    },
    [Symbol.asyncDispose]: async () => {
      residency[Symbol.dispose]()
      await speech[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
      pool.memory.close()
      await rm(stateFolder, { recursive: true })
    },
  }
}

/** Samples of a 16 kHz mono WAV file with 16 bit, −1 to 1. */
export async function readSpeech(path: string): Promise<Float32Array> {
  const file = await readFile(path)
  const at = file.indexOf('data') + 8
  const samples = new Int16Array(
    file.buffer.slice(file.byteOffset + at, file.byteOffset + file.length - (file.length % 2)),
  )
  return Float32Array.from(samples, (value) => value / 32_768)
}

/** All segments of an audio. */
export async function transcribe(recogniser: Recogniser, samples: Float32Array): Promise<SpokenSegment[]> {
  const segments: SpokenSegment[] = []
  for await (const segment of recogniser.transcribe(samples, {}, new AbortController().signal)) segments.push(segment)
  return segments
}

/** Words that are wrong, missing or too many, for each word of the truth. */
export function wordErrorRate(text: string, truth: string): number {
  const words = (line: string): string[] => line.toLowerCase().match(/[\p{L}\p{N}']+/gu) ?? []
  const [heard, said] = [words(text), words(truth)]
  let row = said.map((_, i) => i + 1)
  row.unshift(0)
  for (const [i, word] of heard.entries()) {
    const next = [i + 1]
    for (const [j, other] of said.entries())
      next.push(Math.min((row[j] ?? 0) + Number(word !== other), (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    row = next
  }
  return (row.at(-1) ?? 0) / said.length
}
