import { randomUUID } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import { expectCapable } from '../../inference/expect-capable.ts'
import type { Language, LanguageRequest, Sampling } from '../../inference/language.ts'
import { begin, collectAnswer, type LanguageAnswer } from '../../inference/language-answer.ts'
import { toSampling } from '../../inference/sampling.ts'
import { answerBody } from '../../streams/answer-body.ts'
import { type StreamForm, toEvents } from './events.ts'
import { findModel } from './find-model.ts'

/** What generations are asked with. */
export interface GenerationParts {
  readonly language: Language
  readonly clock: Clock
}

/** What a request has, whichever its route. */
export interface GenerationAsked {
  readonly model: string
  readonly stream: boolean
  readonly user?: string | undefined
}

/** How a route tells its answer. */
export interface AnswerForm {
  readonly whole: (answer: LanguageAnswer) => object
  readonly stream: StreamForm
}

/** Answers a request for text: as server-sent events or as one object. */
export async function answerGeneration(
  { language }: GenerationParts,
  asked: GenerationAsked,
  plan: { readonly request: LanguageRequest; readonly form: AnswerForm },
  http: Request,
): Promise<Response> {
  const { request, form } = plan
  const found = await findModel(language, asked.model)
  expectCapable(asked.model, found, request)
  const left = new AbortController()
  const signal = AbortSignal.any([http.signal, left.signal])
  const use = { priority: 'interactive', user: userOf(http, asked.user) } as const
  const events = await begin(language.generate(found.name, request, use, signal))
  if (!asked.stream) return Response.json(form.whole(await collectAnswer(events)))
  const body = answerBody(toEvents(events, form.stream), { onLeft: (reason) => left.abort(reason) })
  return new Response(body, { headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' } })
}

/** As messages and lists of users name a request: its route, and on whose behalf it came. */
export function userOf(http: Request, user: string | undefined): string {
  const route = `POST ${new URL(http.url).pathname}`
  return user === undefined ? route : `${route} (${user})`
}

/** Fields that every object of an answer has. Seconds since 1970. */
export function headOf(kind: { readonly id: string; readonly object: string }, model: string, clock: Clock) {
  const created = Math.floor(clock.toUnixMs(clock.now()) / 1000)
  return { id: `${kind.id}-${randomUUID()}`, object: kind.object, created, model }
}

/** How tokens are chosen, by the fields that all routes share. */
export function samplingOf(body: {
  readonly max_tokens?: number | undefined
  readonly max_completion_tokens?: number | undefined
  readonly temperature?: number | undefined
  readonly top_p?: number | undefined
  readonly presence_penalty?: number | undefined
  readonly frequency_penalty?: number | undefined
  readonly seed?: number | undefined
  readonly stop?: string | readonly string[] | undefined
}): Sampling {
  return toSampling({
    maxTokens: body.max_completion_tokens ?? body.max_tokens,
    temperature: body.temperature,
    topP: body.top_p,
    presencePenalty: body.presence_penalty,
    frequencyPenalty: body.frequency_penalty,
    seed: body.seed,
    stop: typeof body.stop === 'string' ? [body.stop] : body.stop,
  })
}
