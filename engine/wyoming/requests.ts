import { z } from 'zod'
import { EngineError } from '../errors.ts'
import type { WyomingEvent } from './frame.ts'

/** What a client hands in and gets back as it was: where it goes on later. */
const context = z.record(z.string(), z.unknown()).nullish()
const name = z.string().min(1).max(200)
const longestText = 100_000
const text = z.string().max(longestText)

/** How sound lies in a payload: little endian, signed, channels interleaved. */
export const soundFormatSchema = z.object({
  rate: z
    .number()
    .int()
    .min(4000)
    .max(192_000)
    .refine((rate) => rate % 25 === 0, { error: 'Expected a rate that is a multiple of 25 Hz' }),
  /** Bytes of a sample. */
  width: z.number().int().min(1).max(4),
  channels: z.number().int().min(1).max(8),
})
export type SoundFormat = z.output<typeof soundFormatSchema>

const voice = z
  .strictObject({ name: name.nullish(), language: name.nullish(), speaker: name.nullish() })
  .nullish()
  .transform((asked) => asked ?? {})
/** Markup of speech is not understood: it would be read aloud. */
const textFormat = z.literal('text', { error: 'Expected text: SSML is not spoken here' }).nullish()

/** Requests of clients by the event's type. What is not named here is refused, but for what the protocol has for others. */
export const requestSchemas = {
  describe: z.object({}),
  ping: z.strictObject({ text: z.string().max(1000).nullish() }),
  transcribe: z.strictObject({
    name: name.nullish(),
    language: name.nullish(),
    context,
    /** Who sends the sound decides where it ends. */
    vad_sensitivity: z.null({ error: 'Expected no sensitivity: the sound ends with audio-stop' }).optional(),
  }),
  detect: z.strictObject({ names: z.array(name).max(20).nullish(), context }),
  'audio-start': soundFormatSchema.extend({ timestamp: z.number().nullish() }),
  'audio-chunk': soundFormatSchema.extend({ timestamp: z.number().nullish() }),
  'audio-stop': z.object({}),
  synthesize: z.strictObject({ text, voice, text_format: textFormat, context }),
  'synthesize-start': z.strictObject({ voice, text_format: textFormat, context }),
  'synthesize-chunk': z.strictObject({ text }),
  'synthesize-stop': z.object({}),
  transcript: z.strictObject({ text, language: name.nullish(), context }),
} as const

export type RequestType = keyof typeof requestSchemas
export type RequestOf<T extends RequestType> = z.output<(typeof requestSchemas)[T]>
export type VoiceAsked = RequestOf<'synthesize-start'>['voice']

/** Whether events of this type are answered at all. */
export function isRequest(type: string): type is RequestType {
  return Object.hasOwn(requestSchemas, type)
}

/** The data of a request. Throws `invalid`, naming the field. */
export function readRequest<T extends RequestType>(type: T, { data }: WyomingEvent): RequestOf<T> {
  const parsed = requestSchemas[type].safeParse(data)
  if (parsed.success) return parsed.data as RequestOf<T>
  const told = parsed.error.issues.map(({ path, message }) => [...path, message].join(': ')).join('; ')
  throw new EngineError('invalid', `${type}: ${told}`)
}
