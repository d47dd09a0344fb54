import type { Clock } from '../../core/clock.ts'
import { EngineError } from '../../errors.ts'
import { expectCapable } from '../../inference/expect-capable.ts'
import { parseKeepAlive } from '../../inference/keep-alive.ts'
import type { Language, LanguageModelStatus, LanguageRequest } from '../../inference/language.ts'
import { begin, collectAnswer } from '../../inference/language-answer.ts'
import type { Use } from '../../inference/residency-options.ts'
import { answerBody } from '../../streams/answer-body.ts'
import { type AnswerForm, AnswerLines } from './answer-lines.ts'
import { findModel } from './find-model.ts'
import { type OllamaOptions, warningsFor } from './options.ts'

/** What generations are asked with. */
export interface GenerationParts {
  readonly language: Language
  readonly clock: Clock
}

/** What a request has, whichever its route. */
export interface GenerationAsked {
  readonly model: string
  readonly stream: boolean
  readonly keep_alive?: string | number | undefined
  readonly options?: OllamaOptions | undefined
}

/** What differs between the two routes. */
export interface GenerationPlan {
  readonly form: AnswerForm
  /** Undefined: there is nothing to say, the model is only to be loaded or unloaded. */
  readonly request: LanguageRequest | undefined
}

type PlanFor = (found: LanguageModelStatus) => GenerationPlan

/** A request under way. */
interface Going {
  readonly parts: GenerationParts
  readonly asked: GenerationAsked
  readonly found: LanguageModelStatus
  readonly use: Use
  readonly keepAlive: number | undefined
  readonly lines: AnswerLines
  readonly hungUp: AbortSignal
}

/** Answers a request for text, as a stream of NDJSON or as one object; one without text loads or unloads the model. `user` as messages name it. */
export async function answerGeneration(
  parts: GenerationParts,
  asked: GenerationAsked,
  plan: PlanFor,
  { user, hungUp }: { readonly user: string; readonly hungUp: AbortSignal },
): Promise<Response> {
  const startedAt = parts.clock.now()
  const keepAlive = asked.keep_alive === undefined ? undefined : parseKeepAlive(asked.keep_alive)
  const found = await findModel(parts.language, asked.model)
  const { form, request } = plan(found)
  const lines = new AnswerLines({ model: asked.model, form, clock: parts.clock, startedAt })
  const use = { priority: 'interactive', user } as const
  const going = { parts, asked, found, use, keepAlive, lines, hungUp }
  if (request === undefined) return loadOrUnload(going)
  expectCapable(asked.model, found, request)
  return generate(going, request)
}

async function generate(going: Going, request: LanguageRequest): Promise<Response> {
  const { parts, asked, found, use, keepAlive, lines, hungUp } = going
  const { language } = parts
  const { name } = found
  const left = new AbortController()
  const signal = AbortSignal.any([hungUp, left.signal])
  lines.prepared()
  const events = await begin(language.generate(name, request, use, signal))
  // Only now it is surely loaded.
  if (keepAlive !== undefined) language.keepAlive(name, keepAlive)
  const headers = warningsFor(asked.options, found)
  if (!asked.stream) return Response.json(lines.whole(await collectAnswer(events)), { headers })
  const body = answerBody(lines.stream(events), { onLeft: (reason) => left.abort(reason) })
  return new Response(body, { headers: { 'content-type': 'application/x-ndjson', ...headers } })
}

async function loadOrUnload({ parts, asked, found, use, keepAlive, lines, hungUp }: Going): Promise<Response> {
  const headers = warningsFor(asked.options, found)
  const { name } = found
  if (keepAlive === 0) {
    await unload(parts.language, name)
    return Response.json(lines.silent('unload'), { headers })
  }
  await parts.language.load(name, use, hungUp)
  if (keepAlive !== undefined) parts.language.keepAlive(name, keepAlive)
  return Response.json(lines.silent('load'), { headers })
}

/** At once, or as soon as those who use it have their answers. */
async function unload(language: Language, name: string): Promise<void> {
  try {
    await language.unload(name)
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'conflict') throw error
    language.keepAlive(name, 0)
  }
}
