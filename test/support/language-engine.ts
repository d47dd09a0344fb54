import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { EngineError } from '../../engine/errors.ts'
import type { LanguageEvent } from '../../engine/inference/language.ts'
import { LanguageEngine } from '../../engine/inference/language-engine.ts'
import { LearnedSizes } from '../../engine/inference/learned-sizes.ts'
import { Residency } from '../../engine/inference/residency.ts'
import { client, never, readAnswer, say } from './hailo-language.ts'
import { done, type ScriptedLanguage } from './scripted-backend.ts'

const cleanUps: (() => Promise<void>)[] = []

/** Ends what `createLanguage` has made; after each test. */
export async function endLanguage(): Promise<void> {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
}

/** An engine over scripted backends, with room for two of their models in the memory of the host. */
export async function createLanguage(
  backends: readonly ScriptedLanguage[],
  { pinned = [] as string[], keepAlive = -1 } = {},
) {
  const stateFolder = await mkdtemp(join(tmpdir(), 'hailstream-engine-'))
  const log = pino({ level: 'silent' })
  const residency = new Residency({ budget: () => 250, pinned, keepAlive })
  const sizes = new LearnedSizes({ stateFolder, log })
  const engine = new LanguageEngine({ backends, residency, sizes, log })
  cleanUps.push(async () => {
    residency[Symbol.dispose]()
    await engine[Symbol.asyncDispose]()
    await sizes[Symbol.asyncDispose]()
    await rm(stateFolder, { recursive: true })
  })
  const ask = (name?: string, use: { priority: 'realtime' | 'interactive' | 'batch'; user: string } = client) =>
    readAnswer(engine.generate(name, say('Hi'), use, never))
  return { engine, residency, ask }
}

/** Answers that wait until they are let go, in the order in which they began. */
export function held() {
  const begun: { readonly content: string; readonly go: () => void; aborted: boolean }[] = []
  async function* script(request: { input: unknown }, signal: AbortSignal): AsyncGenerator<LanguageEvent> {
    const { messages } = request.input as { messages: { content: string }[] }
    yield { type: 'text', text: 'a', tokens: 1 }
    await new Promise<void>((resolve) => {
      const one = { content: messages[0]?.content ?? '', go: resolve, aborted: false }
      begun.push(one)
      signal.addEventListener('abort', () => {
        one.aborted = true
        resolve()
      })
    })
    if (signal.aborted) throw new EngineError('cancelled', 'The caller gave up')
    yield done(1)
  }
  return { begun, script }
}
