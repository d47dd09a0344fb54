import type { Hono } from 'hono'
import { z } from 'zod'
import { EngineError } from '../errors.ts'
import type { Language, LanguageEvent, LanguageModelStatus, LanguageUsage } from '../inference/language.ts'
import { answer, createRoutes, houseFailure, refuseOtherMethods } from './answer.ts'
import { describeRoutes, type RouteGroup } from './operation.ts'
import { type PictureRequest, readPicture, WrongType } from './picture.ts'
import { beginBody, eventStreamHeaders, serverEvent } from './stream-body.ts'

const user = 'POST /api/vlm'
/** For a whole answer, the wait for its turn and for the model included. */
const deadlineMs = 600_000

const optionsSchema = z.strictObject({
  prompt: z.string().min(1).max(32_768),
  model: z.string().min(1).optional(),
  stream: z.boolean().default(false),
  max_tokens: z.number().int().min(1).optional(),
  temperature: z.number().min(0).max(2).optional(),
})

interface Asked extends z.output<typeof optionsSchema> {
  readonly bytes: Uint8Array
}

/**
 * `POST /api/vlm`: a picture and a prompt, as a form or as JSON with base64 (`image`, `prompt`, and if wanted `model`, `stream`, `max_tokens`,
 * `temperature`) → `{text, model, reason, usage}`; with `stream` events `{"text"}`, then one with `"done": true`.
 */
export function vlmRoutes(language: Language): Hono {
  const app = createRoutes()
  app.post('/api/vlm', async ({ req }) => {
    try {
      return await answerVlm(language, req.raw)
    } catch (error) {
      if (error instanceof WrongType) return answer(415, 'invalid', error.message)
      throw error
    }
  })
  refuseOtherMethods(app, '/api/vlm', 'POST')
  return describeRoutes(app, group)
}

const answerSchema = z.strictObject({
  text: z.string(),
  model: z.string(),
  reason: z.enum(['stop', 'length', 'tool-calls']),
  usage: z.record(z.string(), z.number()).describe('Tokens, and times in ms'),
})
const question = 'What is in the picture?'

const group: RouteGroup = {
  name: 'Pictures',
  failure: houseFailure,
  operations: [
    {
      method: 'post',
      path: '/api/vlm',
      summary: 'Asks a language model about a picture',
      body: {
        'multipart/form-data': { schema: optionsSchema.extend({ image: z.file() }), example: { prompt: question } },
        'application/json': { schema: optionsSchema.extend({ image: z.string().describe('Base64 or a data URL') }) },
      },
      answers: {
        200: {
          summary: 'The answer; with stream events {"text"}, the last one with "done": true',
          content: { 'application/json': { schema: answerSchema }, 'text/event-stream': {} },
        },
      },
      failures: [400, 404, 415, 503, 504],
    },
  ],
}

async function answerVlm(language: Language, request: Request): Promise<Response> {
  const asked = check(await readPicture(request))
  const { name } = await chooseModel(language, asked.model)
  const events = inTime(request.signal, (signal) =>
    language.generate(name, toRequest(asked), { priority: 'interactive', user }, signal),
  )
  if (asked.stream) return new Response(await beginBody(toEvents(name, events)), { headers: eventStreamHeaders })
  let text = ''
  for await (const event of events) {
    if (event.type === 'text') text += event.text
    if (event.type === 'done')
      return Response.json({ text, model: name, reason: event.reason, usage: describeUsage(event.usage) })
  }
  throw new EngineError('internal', `Expected ${name} to end its answer, but it only stopped`)
}

/** The events up to the deadline; a model that was ended by it is late. */
async function* inTime(
  hungUp: AbortSignal,
  generate: (signal: AbortSignal) => AsyncIterable<LanguageEvent>,
): AsyncGenerator<LanguageEvent, void, void> {
  const late = AbortSignal.timeout(deadlineMs)
  try {
    yield* generate(AbortSignal.any([hungUp, late]))
  } catch (error) {
    if (!late.aborted) throw error
    throw new EngineError('timeout', `Expected the answer within ${deadlineMs / 1000} s`, { cause: error })
  }
}

function check({ bytes, options }: PictureRequest): Asked {
  const parsed = optionsSchema.safeParse(options)
  if (parsed.success) return { ...parsed.data, bytes }
  const told = parsed.error.issues.map(({ path, message }) => [...path, message].join(': '))
  throw new EngineError('invalid', told.join('; '))
}

function toRequest({ prompt, bytes, max_tokens, temperature }: Asked) {
  const sampling = {
    ...(max_tokens === undefined ? {} : { maxTokens: max_tokens }),
    ...(temperature === undefined ? {} : { temperature }),
  }
  return { input: { messages: [{ role: 'user' as const, content: prompt, images: [bytes] }] }, sampling }
}

/** The one that was named, or the first that sees pictures. Throws `unavailable`, naming what to pull, `invalid` for one that is blind. */
async function chooseModel(language: Language, name: string | undefined): Promise<LanguageModelStatus> {
  if (name !== undefined) {
    const found = await language.find(name)
    if (found.capabilities.vision) return found
    throw new EngineError('invalid', `Expected a model that sees pictures, ${found.name} does not`)
  }
  const seeing = (await language.status()).filter(({ capabilities }) => capabilities.vision)
  const ready = seeing.find(({ state }) => state !== 'missing' && state !== 'failed')
  if (ready !== undefined) return ready
  throw new EngineError('unavailable', `Expected a model that sees pictures, there is none. ${advice(seeing)}`)
}

function advice(seeing: readonly LanguageModelStatus[]): string {
  const missing = seeing.find(({ state }) => state === 'missing')
  if (missing !== undefined) return `Run: hailstream models pull ${missing.name} (${missing.why})`
  const [failed] = seeing
  if (failed !== undefined) return `${failed.name}: ${failed.why}`
  return 'None of the catalogue runs on this machine: name a server of Ollama or OpenAI that has one'
}

async function* toEvents(model: string, events: AsyncIterable<LanguageEvent>): AsyncGenerator<Uint8Array> {
  let begun = false
  try {
    for await (const event of events) {
      if (event.type === 'text') yield serverEvent({ text: event.text })
      if (event.type === 'done')
        yield serverEvent({ done: true, model, reason: event.reason, usage: describeUsage(event.usage) })
      begun = true
    }
  } catch (error) {
    if (!begun || !(error instanceof EngineError)) throw error
    yield serverEvent({ error: error.code, detail: error.message })
  }
}

function describeUsage(usage: LanguageUsage): object {
  return {
    prompt_tokens: usage.promptTokens,
    answer_tokens: usage.answerTokens,
    queued_ms: usage.queuedMs,
    load_ms: usage.loadMs,
    prompt_ms: usage.promptMs,
    answer_ms: usage.answerMs,
  }
}
