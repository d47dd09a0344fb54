import { Hono } from 'hono'
import { z } from 'zod'
import { toWavFile } from '../audio/encode-sound.ts'
import { EngineError, errorTable, messageOf } from '../errors.ts'
import type { Speech, Synthesiser } from '../inference/speech.ts'

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
 * What clients of single speech services ask: `GET /v1/voices`, `POST /v1/synthesize`, `GET /health` and `GET /health/ready`, with those services'
 * bodies. Ready: something can be recognised or spoken.
 */
export function speechAliasRoutes(speech: Speech): Hono {
  const app = new Hono().onError((error) => {
    if (error instanceof EngineError) return refuse(error)
    throw error
  })
  app.get('/v1/voices', async () => Response.json({ voices: await listVoices(speech.synthesiser) }))
  app.post('/v1/synthesize', ({ req }) => synthesize(speech.synthesiser, req.raw))
  app.get('/health', async () => {
    const { model, ready } = await look(speech)
    return Response.json({ status: 'ok', model, model_loaded: ready, uptime_seconds: process.uptime() })
  })
  app.get('/health/ready', async () => {
    const { ready } = await look(speech)
    return ready ? Response.json({ ready }) : Response.json({ ready, reason: 'no_model' }, { status: 503 })
  })
  return app
}

async function look(speech: Speech): Promise<{ model: string | null; ready: boolean }> {
  const [best] = await speech.recognisers()
  const ready = best !== undefined || (await listVoices(speech.synthesiser)).length > 0
  return { model: best?.name ?? null, ready }
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
