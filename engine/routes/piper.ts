import { Hono } from 'hono'
import { z } from 'zod'
import { toWavFile } from '../audio/encode-sound.ts'
import { EngineError, errorTable } from '../errors.ts'
import type { ModelLibrary } from '../inference/model-library.ts'
import type { Synthesiser, SynthesisOptions, Voice } from '../inference/speech.ts'
import { readBody } from './body.ts'
import { describeRoutes, type Operation } from './operation.ts'

const maxText = 5000
/** Piper's scale of length is the inverse of speed, which is 0.25 to 4. */
const scale = z.number().min(0.25).max(4)

const synthesizeSchema = z.strictObject({
  text: z.string().max(maxText),
  voice: z.string().min(1).optional(),
  speaker: z.string().min(1).optional(),
  /** Place among the voice's speakers; goes before `speaker`. */
  speaker_id: z.number().int().min(0).optional(),
  length_scale: scale.optional(),
  noise_scale: z.number().min(0).max(2).optional(),
  noise_w_scale: z.number().min(0).max(2).optional(),
})

type Asked = z.output<typeof synthesizeSchema>

const downloadSchema = z.strictObject({
  voice: z.string('voice is required').min(1, 'voice is required'),
  force_redownload: z
    .literal(false, 'Expected false: what is here was checked when it came; delete it first')
    .optional(),
})

/** What Piper's routes ask. */
export interface PiperParts {
  readonly synthesiser: Synthesiser
  readonly library: Pick<ModelLibrary, 'pull'>
}

/**
 * Piper's HTTP API (piper1-gpl) below a path: `POST synthesize` (older clients: `POST` the path itself) → a WAV file, `GET voices`, `all-voices`
 * and `info`, `POST download` → the voice's name once it is here. What others had spoken is not told by `info`.
 */
export function piperRoutes({ synthesiser, library }: PiperParts, path = '/compat/piper'): Hono {
  const app = new Hono().onError((error) => {
    if (error instanceof EngineError) return refuse(error)
    throw error
  })
  app.post(`${path}/download`, ({ req }) => download(library, req.raw))
  for (const place of [`${path}/synthesize`, path, `${path}/`])
    app.post(place, ({ req }) => synthesize(synthesiser, req.raw))
  app.get(`${path}/voices`, async () => Response.json(toConfigs(available(await synthesiser.voices()))))
  app.get(`${path}/all-voices`, async () => Response.json(toConfigs(await synthesiser.voices())))
  app.get(`${path}/info`, async () => {
    const [best] = available(await synthesiser.voices())
    if (best === undefined)
      throw new EngineError('unavailable', 'Expected a voice, there is none. GET all-voices lists what could be pulled')
    const { name, language, speakers } = best
    return Response.json({ voice: { name, language, num_speakers: Math.max(1, speakers.length) }, last: null })
  })
  for (const place of ['/synthesize', '/download', '', '/']) refuseOtherMethods(app, `${path}${place}`, 'POST')
  for (const place of ['/voices', '/all-voices', '/info']) refuseOtherMethods(app, `${path}${place}`, 'GET, HEAD')
  return describeRoutes(app, { name: 'Piper', failure, operations: describeAt(path) })
}

function refuseOtherMethods(app: Hono, path: string, allow: string): void {
  app.all(path, ({ req }) =>
    Response.json({ error: `Expected ${allow}, received ${req.method}` }, { status: 405, headers: { allow } }),
  )
}

const failure = { name: 'PiperFailure', schema: z.strictObject({ error: z.string() }) }
const configsSchema = z.record(
  z.string(),
  z.strictObject({
    audio: z.strictObject({ sample_rate: z.number() }),
    language: z.strictObject({ code: z.string(), family: z.string(), region: z.string().nullable() }),
    num_speakers: z.number().int(),
    speaker_id_map: z.record(z.string(), z.number().int()),
  }),
)
const infoSchema = z.strictObject({
  voice: z.strictObject({ name: z.string(), language: z.string(), num_speakers: z.number().int() }),
  last: z.null(),
})

function describeAt(path: string): Operation[] {
  const body = { 'application/json': { schema: synthesizeSchema, example: { text: 'Hello there.' } } }
  const sound = { 200: { summary: 'A WAV file', content: { 'audio/wav': {} } } }
  const voices = { 200: { summary: 'By name', content: { 'application/json': { schema: configsSchema } } } }
  const info = { 200: { summary: 'The voice', content: { 'application/json': { schema: infoSchema } } } }
  const speak = { method: 'post', body, answers: sound, failures: [400, 404, 503] } as const
  const get = { method: 'get', failures: [] } as const
  return [
    { ...speak, path: `${path}/synthesize`, summary: 'Text to speech' },
    { ...speak, path, summary: 'Text to speech, as older clients ask' },
    { ...speak, path: `${path}/`, summary: 'Text to speech, as older clients ask, with a slash' },
    {
      ...{ ...speak, path: `${path}/download`, summary: 'Fetches a voice; answers its name once it is here' },
      body: { 'application/json': { schema: downloadSchema, example: { voice: 'en_US-amy-low' } } },
      answers: { 200: { summary: 'The name', content: { 'text/plain': {} } } },
    },
    { ...get, path: `${path}/voices`, summary: 'The voices that can speak now', answers: voices },
    { ...get, path: `${path}/all-voices`, summary: 'Also those that could be pulled', answers: voices },
    { ...get, path: `${path}/info`, summary: 'The voice that speaks unasked', answers: info, failures: [503] },
  ]
}

async function synthesize(synthesiser: Synthesiser, request: Request): Promise<Response> {
  const asked = await readBody(request, synthesizeSchema)
  if (asked.text.trim() === '') throw new EngineError('invalid', 'No text provided')
  const sound = await synthesiser.speak(asked.text.trim(), await toOptions(synthesiser, asked), request.signal)
  const headers = { 'content-type': 'audio/wav', 'hailstream-voice': encodeURI(sound.voice) }
  return new Response(new Uint8Array(await toWavFile(sound)), { headers })
}

async function download(library: PiperParts['library'], request: Request): Promise<Response> {
  const { voice } = await readBody(request, downloadSchema)
  for await (const _ of library.pull(voice, request.signal)) {
    // How far it is nobody can be told: the answer is the name alone.
  }
  return new Response(voice, { headers: { 'content-type': 'text/plain; charset=utf-8' } })
}

async function toOptions(synthesiser: Synthesiser, asked: Asked): Promise<SynthesisOptions> {
  const speaker = asked.speaker_id === undefined ? asked.speaker : await speakerAt(synthesiser, asked, asked.speaker_id)
  return {
    ...(asked.voice === undefined ? {} : { voice: asked.voice }),
    ...(speaker === undefined ? {} : { speaker }),
    ...(asked.length_scale === undefined ? {} : { speed: 1 / asked.length_scale }),
    ...(asked.noise_scale === undefined ? {} : { noiseScale: asked.noise_scale }),
    ...(asked.noise_w_scale === undefined ? {} : { noiseWidth: asked.noise_w_scale }),
  }
}

async function speakerAt(synthesiser: Synthesiser, { voice }: Asked, id: number): Promise<string | undefined> {
  const voices = await synthesiser.voices()
  const meant = voice === undefined ? available(voices)[0] : voices.find(({ name }) => name === voice)
  // A voice of one speaker has the number 0, and one that is not known says so when it is to speak.
  if (meant === undefined || (meant.speakers.length === 0 && id === 0)) return undefined
  const speaker = meant.speakers[id]
  if (speaker !== undefined) return speaker
  throw new EngineError(
    'invalid',
    `Expected speaker_id below ${Math.max(1, meant.speakers.length)} for ${meant.name}, received ${id}`,
  )
}

function available(voices: readonly Voice[]): Voice[] {
  return voices.filter(({ state }) => state === 'available')
}

/** What is known of Piper's own configuration of a voice. */
function toConfigs(voices: readonly Voice[]): Record<string, object> {
  return Object.fromEntries(voices.map((voice) => [voice.name, toConfig(voice)]))
}

function toConfig({ sampleRate, language, speakers }: Voice): object {
  const [family = language, region = null] = language.split('-')
  return {
    audio: { sample_rate: sampleRate },
    language: { code: language.replace('-', '_'), family, region },
    num_speakers: Math.max(1, speakers.length),
    speaker_id_map: Object.fromEntries(speakers.map((name, id) => [name, id])),
  }
}

function refuse({ code, message }: EngineError): Response {
  const { status, retry } = errorTable[code]
  return Response.json({ error: message }, { status, headers: retry ? { 'retry-after': '1' } : {} })
}
