import { type StreamFormat, streamFormats } from '../../audio/sound-codec.ts'
import type { ServerEvent } from './server-event.ts'

/** How a client's dialect differs from GA: its events become GA's before they are read, and ours become its own before they are sent. */
export interface Dialect {
  readonly name: 'ga' | 'beta'
  /** By GA names. */
  readonly formats: readonly StreamFormat[]
  /** Whether its clients may send sound as binary messages: our own extension. */
  readonly takesBinary: boolean
  fromClient(event: Fields): Fields
  /** Empty: the dialect has no such event. */
  toClient(event: ServerEvent): readonly ServerEvent[]
}

type Fields = Readonly<Record<string, unknown>>

export const gaDialect: Dialect = {
  name: 'ga',
  formats: streamFormats,
  takesBinary: true,
  fromClient: (event) => event,
  toClient: (event) => [event],
}

const eventNames: readonly (readonly [RegExp, string])[] = [
  [/^response\.output_audio_transcript\./, 'response.audio_transcript.'],
  [/^response\.output_audio\./, 'response.audio.'],
  [/^response\.output_text\./, 'response.text.'],
  [/^conversation\.item\.added$/, 'conversation.item.created'],
]
/** GA's own. */
const unknownToBeta = new Set(['conversation.item.done', 'input_audio_buffer.timeout_triggered'])

const formats = [
  ['pcm16', 'audio/pcm'],
  ['g711_ulaw', 'audio/pcmu'],
  ['g711_alaw', 'audio/pcma'],
] as const

/** OpenAI's dialect before 2025-08: flat session fields, other names. */
export const betaDialect: Dialect = {
  name: 'beta',
  formats: formats.map(([, ga]) => ga),
  takesBinary: false,
  fromClient(event) {
    if (event.type === 'session.update' && isFields(event.session))
      return { ...event, session: fromFlat(event.session) }
    if (event.type === 'transcription_session.update' && isFields(event.session))
      return { ...event, type: 'session.update', session: { ...fromFlat(event.session), type: 'transcription' } }
    if (event.type === 'response.create' && isFields(event.response))
      return { ...event, response: fromFlat(event.response) }
    return event
  },
  toClient(event) {
    if (unknownToBeta.has(event.type)) return []
    const fields = Object.fromEntries(Object.entries(event).map(([key, value]) => [key, toBetaField(key, value)]))
    const type = eventNames.reduce((name, [pattern, beta]) => name.replace(pattern, beta), event.type)
    return [{ ...fields, type }]
  },
}

function toBetaField(key: string, value: unknown): unknown {
  if (!isFields(value)) return value
  if (key === 'session') return toFlatSession(value)
  if (key === 'response') return toFlatResponse(value)
  return key === 'item' ? toBetaItem(value) : value
}

function toBetaItem(item: Fields): Fields {
  if (!Array.isArray(item.content)) return item
  return { ...item, content: item.content.map((part: Fields) => ({ ...part, type: betaContent(part.type) })) }
}

function betaContent(type: unknown): unknown {
  return type === 'output_audio' ? 'audio' : type === 'output_text' ? 'text' : type
}

function toModalities(value: unknown): readonly string[] {
  return Array.isArray(value) && value[0] === 'text' ? ['text'] : ['text', 'audio']
}

function toFlatSession(session: Fields): Fields {
  const { audio, output_modalities, max_output_tokens, type: _, tracing: __, truncation: ___, ...rest } = session
  const { input, output } = audio as { readonly input: Fields; readonly output?: Fields }
  const spoken = output && {
    modalities: toModalities(output_modalities),
    voice: output.voice,
    output_audio_format: betaFormat(output.format),
    speed: output.speed,
    max_response_output_tokens: max_output_tokens,
  }
  return {
    ...rest,
    ...spoken,
    input_audio_format: betaFormat(input.format),
    input_audio_transcription: input.transcription,
    input_audio_noise_reduction: input.noise_reduction,
    turn_detection: input.turn_detection,
  }
}

function toFlatResponse(response: Fields): Fields {
  const { audio, output_modalities, output, ...rest } = response
  const { voice, format } = (audio as { readonly output: Fields }).output
  return {
    ...rest,
    output: (output as Fields[]).map(toBetaItem),
    ...{ modalities: toModalities(output_modalities), voice, output_audio_format: betaFormat(format) },
  }
}

function betaFormat(format: unknown): unknown {
  const type = isFields(format) ? format.type : undefined
  return formats.find(([, ga]) => ga === type)?.[0]
}

function gaFormat(name: unknown): unknown {
  const type = formats.find(([beta]) => beta === name)?.[1] ?? name
  return type === 'audio/pcm' ? { type, rate: 24_000 } : { type }
}

/** A flat session or response. What is flat in GA as well stays. */
function fromFlat(flat: Fields): Fields {
  const {
    modalities,
    voice,
    speed,
    input_audio_format,
    output_audio_format,
    input_audio_transcription,
    input_audio_noise_reduction,
    turn_detection,
    max_response_output_tokens,
    ...rest
  } = flat
  const input = present({
    format: input_audio_format === undefined ? undefined : gaFormat(input_audio_format),
    transcription: input_audio_transcription,
    noise_reduction: input_audio_noise_reduction,
    turn_detection,
  })
  const output = present({
    format: output_audio_format === undefined ? undefined : gaFormat(output_audio_format),
    voice,
    speed,
  })
  const audio = present({ input: isEmpty(input) ? undefined : input, output: isEmpty(output) ? undefined : output })
  return {
    ...rest,
    ...present({ output_modalities: gaModalities(modalities), max_output_tokens: max_response_output_tokens }),
    ...(isEmpty(audio) ? {} : { audio }),
  }
}

function gaModalities(modalities: unknown): unknown {
  if (!Array.isArray(modalities)) return modalities
  return modalities.includes('audio') ? ['audio'] : modalities
}

function present(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

function isEmpty(fields: Fields): boolean {
  return Object.keys(fields).length === 0
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
