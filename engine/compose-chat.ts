import type { Hono } from 'hono'
import type { Config } from './config.ts'
import type { Clock } from './core/clock.ts'
import type { ClosingStack } from './core/lifecycle.ts'
import { errorBodyFor } from './error-bodies.ts'
import { openExtraListener } from './extra-listener.ts'
import { AliasedLanguage } from './inference/aliased-language.ts'
import type { Catalogue } from './inference/catalogue.ts'
import type { Language } from './inference/language.ts'
import { ModelAliases } from './inference/model-aliases.ts'
import { type ModelLibrary, OwnLibrary } from './inference/model-library.ts'
import { backendHere } from './inference/model-stock.ts'
import type { ModelStore } from './inference/model-store.ts'
import type { Speech } from './inference/speech.ts'
import type { Logger } from './log.ts'
import type { Problems } from './problems.ts'
import { joinRoutes } from './routes/answer.ts'
import { ollamaRoot, ollamaRoutes } from './routes/ollama.ts'
import { openaiRoutes } from './routes/openai.ts'
import type { AccessRules } from './server/access.ts'
import type { Server } from './server/server.ts'

/** Where Ollama's clients look for it. */
const ollamaPort = 11434

/** What the chat routes need of the engine around them. */
export interface ChatSurroundings {
  readonly config: Pick<Config, 'listen' | 'state'>
  /** The engine's language models, by their own names. */
  readonly language: Language
  /** Its models are listed to clients of OpenAI. */
  readonly speech: Speech
  readonly catalogue: Catalogue
  readonly store: ModelStore
  /** Whether the device is there decides what is pulled. */
  readonly hailo: () => { readonly state: string }
  readonly clock: Clock
  readonly version: string
}

/** Language models as clients know them. */
export interface ComposedChat {
  /** Also by the names that clients gave: for routes, nodes and voice sessions alike. */
  readonly language: Language
  /** Brings models and voices. */
  readonly library: ModelLibrary
  /** Of Ollama and OpenAI, for the engine's own port. */
  readonly routes: readonly Hono[]
}

/** Builds what answers Ollama's and OpenAI's clients. */
export function composeChat(around: ChatSurroundings): ComposedChat {
  const { config, speech, catalogue, store, hailo, clock, version } = around
  const aliases = new ModelAliases(config.state)
  const language = new AliasedLanguage(around.language, aliases)
  const backendFor = (backends: Parameters<typeof backendHere>[0]) => backendHere(backends, hailo().state === 'ready')
  const library = new OwnLibrary({ catalogue, store, language, aliases, backendFor })
  const parts = { language, library, speech, clock, version }
  return { language, library, routes: [ollamaRoutes(parts), openaiRoutes(parts)] }
}

/** What Ollama's port is opened with. */
export interface OllamaListenerOptions {
  readonly config: Pick<Config, 'listen'>
  readonly routes: readonly Hono[]
  readonly rules: AccessRules
  readonly problems: Problems
  readonly log: Logger
  readonly closing: ClosingStack
  /** Left out: Ollama's own. */
  readonly port?: number
}

/** Ollama's own port, with its paths, those of OpenAI, and `/`. Undefined where it is taken, which is a problem and no failure. */
export async function openOllamaListener(options: OllamaListenerOptions): Promise<Server | undefined> {
  const { config, routes, rules, problems, closing, port = ollamaPort } = options
  const { fetch } = joinRoutes([ollamaRoot(), ...routes], errorBodyFor)
  const { host } = config.listen
  const log = options.log.child({ part: 'ollama listener' })
  const listener = await openExtraListener({ key: 'compat.ollama', host, port, rules, fetch, problems, log })
  if (listener === undefined) return undefined
  closing.use('ollama listener', listener)
  log.info({ host, port: listener.port }, 'answers as Ollama too')
  return listener
}
