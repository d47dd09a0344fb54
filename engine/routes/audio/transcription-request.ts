import { z } from 'zod'
import type { RecogniserOptions } from '../../inference/speech.ts'
import type { Form } from '../upload.ts'
import { InvalidField } from './error-body.ts'

/** What a transcription is answered as. */
export type TranscriptFormat = 'json' | 'text' | 'srt' | 'verbose_json' | 'vtt'

/** What a request asks about its audio. */
export interface TranscriptionRequest {
  /** Undefined: the best that is there. */
  readonly model: string | undefined
  readonly options: RecogniserOptions
  readonly format: TranscriptFormat
  readonly granularities: ReadonlySet<'word' | 'segment'>
  readonly stream: boolean
}

/** Names of OpenAI's own models, which clients may have fixed: the best recogniser here. */
const bestModel: ReadonlySet<string> = new Set(['whisper-1', 'default'])
const formats = ['json', 'text', 'srt', 'verbose_json', 'vtt'] as const
const listFields: ReadonlySet<string> = new Set(['timestamp_granularities', 'include'])

/** Fields of `POST /v1/audio/translations` beside the file. */
export const translationSchema = z.strictObject({
  model: z.string().min(1).optional(),
  prompt: z.string().optional(),
  response_format: z.enum(formats).default('json'),
  // Recognisers here take the likeliest words: there is nothing to be drawn.
  temperature: z
    .string()
    .refine((text) => text.trim() !== '' && Number(text) === 0, 'Expected 0: the likeliest words are taken')
    .optional(),
})

/** Fields of `POST /v1/audio/transcriptions` beside the file. Lists come as `name[]`. */
export const transcriptionSchema = translationSchema.extend({
  language: z.string().min(1).optional(),
  timestamp_granularities: z.array(z.enum(['word', 'segment'])).optional(),
  stream: z.enum(['true', 'false']).default('false'),
  // Long audio is always cut at silences.
  chunking_strategy: z
    .enum(['auto', '{"type":"server_vad"}'], 'Expected auto: audio is cut at silences by thresholds of its own')
    .optional(),
  include: z.array(z.never('Expected no include: log probabilities are not known')).optional(),
})

/** Reads the fields of `POST /v1/audio/transcriptions`. Throws `InvalidField` for one that cannot be honoured. */
export function readTranscription(form: Form): TranscriptionRequest {
  const fields = parse(transcriptionSchema, form)
  const { timestamp_granularities: granularities, response_format: format } = fields
  if (granularities !== undefined && format !== 'verbose_json')
    throw new InvalidField(
      'timestamp_granularities',
      'Expected response_format verbose_json with timestamp_granularities',
    )
  const stream = fields.stream === 'true'
  if (stream && format !== 'json' && format !== 'text')
    throw new InvalidField('response_format', `Expected json or text with stream, received ${format}`)
  const options = { ...optionsOf(fields), ...(fields.language === undefined ? {} : { language: fields.language }) }
  return { model: modelOf(fields), options, format, granularities: new Set(granularities ?? ['segment']), stream }
}

/** Reads the fields of `POST /v1/audio/translations`. Throws `InvalidField` for one that cannot be honoured. */
export function readTranslation(form: Form): TranscriptionRequest {
  const fields = parse(translationSchema, form)
  const options = { ...optionsOf(fields), translate: true }
  const granularities = new Set(['segment'] as const)
  return { model: modelOf(fields), options, format: fields.response_format, granularities, stream: false }
}

function modelOf({ model }: z.output<typeof translationSchema>): string | undefined {
  return model === undefined || bestModel.has(model) ? undefined : model
}

function optionsOf({ prompt }: z.output<typeof translationSchema>): RecogniserOptions {
  return prompt === undefined || prompt === '' ? {} : { prompt }
}

function parse<T>(schema: z.ZodType<T>, form: Form): T {
  const parsed = schema.safeParse(toObject(form))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const field = issue?.code === 'unrecognized_keys' ? issue.keys[0] : issue?.path[0]
  const name = String(field)
  if (issue?.code === 'unrecognized_keys')
    throw new InvalidField(name, `Expected no field ${name}: this engine has no such thing, and ignores nothing`)
  throw new InvalidField(name, `${name}: ${issue?.message}`)
}

/** As the stock client writes the fields of an object. */
const chunkingField = /^chunking_strategy\[(\w+)\]$/

/** Lists come as `name[]`, several times; any other field comes once. */
function toObject({ fields }: Form): Record<string, unknown> {
  const found: Record<string, unknown> = {}
  const chunking = Object.fromEntries(
    fields.flatMap(([name, value]) => {
      const key = chunkingField.exec(name)?.[1]
      return key === undefined ? [] : [[key, value]]
    }),
  )
  if (Object.keys(chunking).length > 0) found.chunking_strategy = JSON.stringify(chunking)
  for (const [written, value] of fields) {
    if (chunkingField.test(written)) continue
    const name = written.replace(/\[\d*\]$/, '')
    if (listFields.has(name)) found[name] = [...((found[name] as string[] | undefined) ?? []), value]
    else if (name in found) throw new InvalidField(name, `Expected the field ${name} once, received it again`)
    else found[name] = value
  }
  return found
}
