import { Hono } from 'hono'
import { z } from 'zod'
import { toWavFile } from '../audio/encode-sound.ts'
import { EngineError, errorTable, messageOf } from '../errors.ts'
import type { Speech, Synthesiser } from '../inference/speech.ts'

import { describeRoutes, type RouteGroup } from './operation.ts'

const maxText = 5000

const synthesizeSchema = z.strictObject({
  text: z
    .string("Missing 'text' field")
    .min(1, "Missing 'text' field")
    .max(maxText, `Text too long (max ${maxText} characters)`),
  format: z.literal('wav', 'Unsupported format: wav is made here, others by /v1/audio/speech').optional(),
  voice: z.string().min(1).optional(),
})

/**
 * What clients of single speech services ask: `GET /v1/voices`, `POST /v1/synthesize` and `GET /health/ready`, with those services' bodies;
 * `/health` is the engine's own. Ready: something can be recognised or spoken.
 */
export function speechAliasRoutes(speech: Speech): Hono {
  const app = new Hono().onError((error) => {
    if (error instanceof EngineError) return refuse(error)
    throw error
  })
  app.get('/v1/voices', async () => Response.json({ voices: await listVoices(speech.synthesiser) }))
  app.post('/v1/synthesize', ({ req }) => synthesize(speech.synthesiser, req.raw))
  app.get('/health/ready', async () => {
    const { model_loaded: ready } = await describeService(speech)
    return ready ? Response.json({ ready }) : Response.json({ ready, reason: 'no_model' }, { status: 503 })
  })
  for (const [path, allow] of [
    ['/v1/voices', 'GET, HEAD'],
    ['/v1/synthesize', 'POST'],
    ['/health/ready', 'GET, HEAD'],
  ] as const)
    app.all(path, ({ req }) =>
      Response.json({ error: `Expected ${allow}, received ${req.method}` }, { status: 405, headers: { allow } }),
    )
  return describeRoutes(app, group)
}

const voiceSchema = z.strictObject({
  id: z.string(),
  name: z.string(),
  language: z.string(),
  gender: z.null(),
  sample_rate: z.number(),
})
const unready = z.strictObject({ ready: z.literal(false), reason: z.string() })

const group: RouteGroup = {
  name: 'As single speech services answer',
  failure: { name: 'SpeechServiceFailure', schema: z.strictObject({ error: z.string() }) },
  operations: [
    {
      method: 'get',
      path: '/v1/voices',
      summary: 'The voices that can speak now',
      answers: {
        200: {
          summary: 'The voices',
          content: { 'application/json': { schema: z.strictObject({ voices: z.array(voiceSchema) }) } },
        },
      },
      failures: [],
    },
    {
      method: 'post',
      path: '/v1/synthesize',
      summary: 'Text to speech',
      body: { 'application/json': { schema: synthesizeSchema, example: { text: 'Hello there.' } } },
      answers: { 200: { summary: 'A WAV file', content: { 'audio/wav': {} } } },
      failures: [400, 404, 503],
    },
    {
      method: 'get',
      path: '/health/ready',
      summary: 'Whether something can be recognised or spoken',
      answers: {
        200: {
          summary: 'It can',
          content: { 'application/json': { schema: z.strictObject({ ready: z.literal(true) }) } },
        },
        503: { summary: 'It cannot', content: { 'application/json': { schema: unready } } },
      },
      failures: [],
    },
  ],
}

/** What such a client reads of `/health`: what recognises, and whether something can be recognised or spoken. */
export async function describeService(speech: Speech) {
  const [best] = await speech.recognisers()
  const ready = best !== undefined || (await listVoices(speech.synthesiser)).length > 0
  return { model: best?.name ?? null, model_loaded: ready, uptime_seconds: process.uptime() } as const
}

/** The voices that can speak now; nobody knows their gender. */
async function listVoices(synthesiser: Synthesiser): Promise<object[]> {
  const voices = await synthesiser.voices()
  return voices
    .filter(({ state }) => state === 'available')
    .map(({ name, language, sampleRate }) => ({ id: name, name, language, gender: null, sample_rate: sampleRate }))
}

async function synthesize(synthesiser: Synthesiser, request: Request): Promise<Response> {
  const body: unknown = await request.json().catch((error: unknown) => {
    throw new EngineError('invalid', `Expected a body of JSON: ${messageOf(error)}`, { cause: error })
  })
  const parsed = synthesizeSchema.safeParse(body)
  if (!parsed.success) throw new EngineError('invalid', parsed.error.issues.map(({ message }) => message).join('; '))
  const { text, voice } = parsed.data
  const sound = await synthesiser.speak(text, voice === undefined ? {} : { voice }, request.signal)
  const headers = { 'content-type': 'audio/wav', 'content-disposition': 'attachment; filename=speech.wav' }
  return new Response(new Uint8Array(await toWavFile(sound)), { headers })
}

function refuse({ code, message }: EngineError): Response {
  const { status, retry } = errorTable[code]
  return Response.json({ error: message }, { status, headers: retry ? { 'retry-after': '1' } : {} })
}
