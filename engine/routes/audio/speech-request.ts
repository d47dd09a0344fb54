import { z } from 'zod'
import { type SoundFormat, soundFormats } from '../../audio/encode-sound.ts'
import { EngineError } from '../../errors.ts'
import type { SynthesisOptions, Voice } from '../../inference/speech.ts'
import { readBody } from '../body.ts'
import { FailedField, InvalidField } from './error-body.ts'

/** What is to be spoken, and how it is answered. */
export interface SpeechRequest {
  readonly input: string
  /** A voice, one of its backends, or undefined for the best. */
  readonly model: string | undefined
  readonly voice: string | undefined
  readonly speed: number
  readonly format: SoundFormat
  readonly streamFormat: 'audio' | 'sse'
}

/** OpenAI's bounds. */
const [maxInput, minSpeed, maxSpeed] = [4096, 0.25, 4]
const inputSize = `Expected 1 to ${maxInput} characters`
/** Names of OpenAI's own models and voices, which clients may have fixed: the best voice here. `hailstream-voice` of the answer tells which. */
const bestModel: ReadonlySet<string> = new Set(['tts-1', 'tts-1-hd', 'gpt-4o-mini-tts', 'default'])
const bestVoice: ReadonlySet<string> = new Set([
  ...['alloy', 'ash', 'ballad', 'cedar', 'coral', 'echo', 'fable', 'marin', 'nova', 'onyx', 'sage', 'shimmer', 'verse'],
  'default',
])

/** Body of `POST /v1/audio/speech`. */
export const speechSchema = z.strictObject({
  input: z.string(inputSize).min(1, inputSize).max(maxInput, inputSize),
  model: z.string().min(1).optional(),
  voice: z.union([z.string().min(1), z.strictObject({ id: z.string().min(1) })]).optional(),
  instructions: z.literal('', 'Expected no instructions: no voice here follows any').optional(),
  response_format: z.enum(soundFormats).default('mp3'),
  speed: z.number().min(minSpeed).max(maxSpeed).default(1),
  stream_format: z.enum(['audio', 'sse']).default('audio'),
})

/** Reads the body of `POST /v1/audio/speech`. Throws `WrongField` for what cannot be honoured. */
export async function readSpeech(request: Request): Promise<SpeechRequest> {
  const given = await readBody(request, speechSchema)
  const { input, model, voice, speed, response_format: format, stream_format: streamFormat } = given
  const voiceName = typeof voice === 'object' ? voice.id : voice
  if (input.trim() === '') throw new InvalidField('input', 'Expected text to speak, received blanks')
  return {
    ...{ input, speed, format, streamFormat },
    model: model === undefined || bestModel.has(model) ? undefined : model,
    voice: voiceName === undefined || bestVoice.has(voiceName) ? undefined : voiceName,
  }
}

/** What the synthesiser is asked. Throws `not-found` for a model that names neither a voice nor a backend of voices. */
export function chooseVoice({ model, voice, speed }: SpeechRequest, voices: readonly Voice[]): SynthesisOptions {
  const options = speed === 1 ? {} : { speed }
  if (model === undefined) return voice === undefined ? options : { ...options, voice }
  const meant = voices.filter(({ name, backend }) => name === model || backend === model)
  if (meant.length === 0) throw new FailedField('model', new EngineError('not-found', unknownModel(model, voices)))
  const chosen =
    voice === undefined
      ? (meant.find(({ state }) => state === 'available') ?? meant[0])
      : meant.find(({ name }) => name === voice)
  if (chosen === undefined)
    throw new InvalidField(
      'voice',
      `Expected a voice of the model ${model}, received ${voice}. GET /api/voices lists them`,
    )
  return { ...options, voice: chosen.name }
}

function unknownModel(model: string, voices: readonly Voice[]): string {
  const backends = [...new Set(voices.map(({ backend }) => backend))].join(', ') || 'none here'
  return `Expected a voice of GET /api/voices or a backend of voices (${backends}) as model, received ${model}`
}
