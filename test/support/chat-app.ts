import type { Hono } from 'hono'
import { AnchoredClock } from '../../engine/core/clock.ts'
import type { ModelLibrary, PullProgress } from '../../engine/inference/model-library.ts'
import { joinRoutes } from '../../engine/routes/answer.ts'
import { ollamaRoutes } from '../../engine/routes/ollama.ts'
import { openaiRoutes } from '../../engine/routes/openai.ts'
import { ScriptedLanguage, type ScriptedModel } from './scripted-language.ts'
import { ScriptedSpeech } from './scripted-speech.ts'

/** A library that notes what it is asked, and pulls by a script. */
export class ScriptedLibrary implements ModelLibrary {
  readonly log: string[] = []
  steps: Iterable<PullProgress> | AsyncIterable<PullProgress> = []
  failure: Error | undefined
  given: { name: string; model: string }[] = []
  leftPulls = 0

  async *pull(name: string, signal: AbortSignal): AsyncGenerator<PullProgress> {
    this.log.push(`pull ${name}`)
    let ended = false
    try {
      for await (const step of this.steps) {
        signal.throwIfAborted()
        yield step
      }
      if (this.failure) throw this.failure
      ended = true
    } finally {
      if (!ended) this.leftPulls++
    }
  }

  async remove(name: string): Promise<void> {
    if (this.failure) throw this.failure
    this.log.push(`remove ${name}`)
  }

  async copy(source: string, name: string): Promise<void> {
    if (this.failure) throw this.failure
    this.log.push(`copy ${source} ${name}`)
  }

  async copies() {
    return this.given
  }
}

/** The routes of language models, over scripted ones. */
export class ScriptedChat {
  readonly language: ScriptedLanguage
  readonly library = new ScriptedLibrary()
  readonly speech = new ScriptedSpeech()
  readonly routes: readonly Hono[]

  constructor(models: readonly ScriptedModel[]) {
    this.language = new ScriptedLanguage(models)
    const { language, library, speech } = this
    const parts = { language, library, speech, clock: new AnchoredClock(), version: '9.8.7' }
    this.routes = [ollamaRoutes(parts), openaiRoutes(parts)]
  }
}

/** The same, to be asked without a socket. */
export function createChatApp(models: readonly ScriptedModel[]) {
  const { language, library, routes } = new ScriptedChat(models)
  const app = joinRoutes(routes)
  const post = async (path: string, body: unknown, method = 'POST') =>
    app.request(path, { method, body: typeof body === 'string' ? body : JSON.stringify(body) })
  return { app, language, library, post }
}

/** The lines of a stream of NDJSON, each of which ends with LF alone. */
export async function readLines(response: Response): Promise<Record<string, unknown>[]> {
  const text = await response.text()
  if (!text.endsWith('\n') || text.includes('\r')) throw new Error(`Expected lines ended by LF, received ${text}`)
  return text
    .slice(0, -1)
    .split('\n')
    .map((line) => JSON.parse(line))
}

/** The JSON of an answer, as the test knows it. */
export async function readJson<T = Record<string, unknown>>(response: Response | Promise<Response>): Promise<T> {
  return (await (await response).json()) as T
}

/** The events of a stream, whose last is `[DONE]`, or an error. */
export async function readEvents<T = Record<string, unknown>>(response: Response): Promise<(T | '[DONE]')[]> {
  const text = await response.text()
  if (!text.endsWith('\n\n')) throw new Error(`Expected events ended by a blank line, received ${text}`)
  return text
    .slice(0, -2)
    .split('\n\n')
    .map((event) => {
      if (!event.startsWith('data: ')) throw new Error(`Expected an event of data, received ${event}`)
      return event === 'data: [DONE]' ? '[DONE]' : JSON.parse(event.slice('data: '.length))
    })
}

/** A picture that is one by its first bytes. */
export const pngBytes = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')
