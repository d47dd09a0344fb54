import type { Hono } from 'hono'
import { z } from 'zod'
import type { AudioDecoder } from '../audio/audio-decoder.ts'
import { toWavFile } from '../audio/encode-sound.ts'
import { recogniseAll, textOf } from '../audio/recognise.ts'
import { EngineError, messageOf } from '../errors.ts'
import type { Speech, SynthesisOptions, Voice } from '../inference/speech.ts'
import { answer, createRoutes, houseFailure, refuseOtherMethods } from './answer.ts'
import { describeRoutes, type Operation } from './operation.ts'
import { type Form, readForm, WrongUpload } from './upload.ts'

/** What the routes ask. */
export interface HouseSpeechParts {
  readonly speech: Speech
  readonly decoder: AudioDecoder
  /** Where uploads lie while they are decoded. */
  readonly uploads: string
}

/** Paths here whose bodies are files: the server hands them over while they arrive. */
export const houseUploadPaths = ['/api/transcribe'] as const

const limits = { maxFileBytes: 104_857_600, maxFiles: 1 }
const maxText = 5000

const transcribeSchema = z.strictObject({ language: z.string().min(1).optional(), model: z.string().min(1).optional() })
const speakSchema = z.strictObject({
  text: z.string().min(1).max(maxText),
  voice: z.string().min(1).optional(),
  speaker: z.string().min(1).optional(),
  speed: z.number().min(0.25).max(4).optional(),
})

/**
 * `POST /api/transcribe` (a form with the file `audio`) → `{text, language, duration}`, seconds. `POST /api/speak {"text","voice"}` → a WAV file.
 * `GET /api/voices` → every voice, also those that could be pulled.
 */
export function houseSpeechRoutes(parts: HouseSpeechParts): Hono {
  const app = createRoutes()
  app.post('/api/transcribe', ({ req }) => transcribe(parts, req.raw))
  app.post('/api/speak', ({ req }) => speak(parts.speech, req.raw))
  app.get('/api/voices', async () => {
    const voices = await parts.speech.synthesiser.voices()
    return Response.json(voices.map(describeVoice), { headers: { 'cache-control': 'no-store' } })
  })
  for (const path of ['/api/transcribe', '/api/speak']) refuseOtherMethods(app, path, 'POST')
  refuseOtherMethods(app, '/api/voices', 'GET, HEAD')
  return describeRoutes(app, { name: 'Speech', failure: houseFailure, operations })
}

const transcriptSchema = z.strictObject({
  text: z.string(),
  language: z.string().nullable(),
  duration: z.number().describe('Seconds'),
})
const voicesSchema = z.array(
  z.looseObject({
    name: z.string(),
    language: z.string(),
    backend: z.string(),
    state: z.string(),
    sample_rate: z.number(),
  }),
)

const operations: readonly Operation[] = [
  {
    method: 'post',
    path: '/api/transcribe',
    summary: 'Speech to text',
    body: { 'multipart/form-data': { schema: transcribeSchema.extend({ audio: z.file() }) } },
    answers: { 200: { summary: 'What was said', content: { 'application/json': { schema: transcriptSchema } } } },
    failures: [400, 404, 413, 415, 503],
  },
  {
    method: 'post',
    path: '/api/speak',
    summary: 'Text to speech',
    body: { 'application/json': { schema: speakSchema, example: { text: 'Hello there.' } } },
    answers: {
      200: { summary: 'A WAV file; the header hailstream-voice names the voice', content: { 'audio/wav': {} } },
    },
    failures: [400, 404, 503],
  },
  {
    method: 'get',
    path: '/api/voices',
    summary: 'Every voice, also those that could be pulled',
    answers: { 200: { summary: 'The voices', content: { 'application/json': { schema: voicesSchema } } } },
    failures: [],
  },
]

async function transcribe({ speech, decoder, uploads }: HouseSpeechParts, request: Request): Promise<Response> {
  try {
    const form = await readForm(request, uploads, limits)
    try {
      const fd = audioOf(form)
      const { model, language } = check(transcribeSchema, Object.fromEntries(form.fields))
      const recogniser = await speech.recogniser(model)
      const audio = await decoder.decode(fd, request.signal)
      const options = language === undefined ? {} : { language }
      const segments = await recogniseAll(recogniser, audio, options, request.signal)
      const spoken = segments.find((segment) => segment.language !== null)?.language ?? language ?? null
      return Response.json({
        text: textOf(segments),
        language: spoken,
        duration: Math.round(audio.seconds * 1000) / 1000,
      })
    } finally {
      await form[Symbol.asyncDispose]()
    }
  } catch (error) {
    if (error instanceof WrongUpload) return answer(415, 'invalid', error.message)
    throw error
  }
}

function audioOf({ files, fields }: Form): number {
  const [file] = files
  if (file?.field === 'audio' && file.bytes > 0) return file.fd
  const names = [...files.map(({ field }) => field), ...fields.map(([name]) => name)].join(', ') || 'none'
  const came = file?.field === 'audio' ? '0 bytes' : `the fields: ${names}`
  throw new EngineError('invalid', `Expected the audio as a file in the field audio, received ${came}`)
}

async function speak({ synthesiser }: Speech, request: Request): Promise<Response> {
  const body: unknown = await request.json().catch((error: unknown) => {
    throw new EngineError('invalid', `Expected a body of JSON, {"text", "voice"}: ${messageOf(error)}`, {
      cause: error,
    })
  })
  const { text, ...given } = check(speakSchema, body)
  const options = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  const sound = await synthesiser.speak(text, options as SynthesisOptions, request.signal)
  const headers = { 'content-type': 'audio/wav', 'hailstream-voice': encodeURI(sound.voice) }
  return new Response(new Uint8Array(await toWavFile(sound)), { headers })
}

function describeVoice({ sampleRate, ...voice }: Voice): object {
  return { ...voice, sample_rate: sampleRate }
}

function check<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new EngineError(
    'invalid',
    parsed.error.issues.map(({ path, message }) => [...path, message].join(': ')).join('; '),
  )
}
