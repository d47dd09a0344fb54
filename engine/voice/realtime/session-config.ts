import type { StreamFormat } from '../../audio/sound-codec.ts'
import type { LanguageTool, Sampling } from '../../inference/language.ts'
import { serverDetection, type TurnDetection, type VoiceSettings } from '../settings.ts'
import type { ResponseOverrides, SessionUpdate } from './session-schema.ts'

interface FormatConfig {
  readonly type: StreamFormat
  readonly rate?: number
}

/** A session's configuration as the GA protocol has it, every field given. */
export interface SessionConfig {
  readonly type: 'realtime' | 'transcription'
  readonly model: string
  readonly output_modalities: readonly ['audio'] | readonly ['text']
  readonly instructions: string
  readonly tools: NonNullable<SessionUpdate['tools']>
  readonly tool_choice: 'auto' | 'none'
  readonly max_output_tokens: number | 'inf'
  /** Of the beta dialect; null: the model's own. */
  readonly temperature: number | null
  readonly tracing: unknown
  readonly truncation: 'auto' | 'disabled'
  readonly audio: {
    readonly input: {
      readonly format: FormatConfig
      readonly transcription: NonNullable<NonNullable<SessionUpdate['audio']>['input']>['transcription'] | null
      readonly noise_reduction: { readonly type: 'near_field' | 'far_field' } | null
      readonly turn_detection: TurnDetectionConfig | null
    }
    readonly output: { readonly format: FormatConfig; readonly voice: string; readonly speed: number }
  }
}

export type TurnDetectionConfig =
  | {
      readonly type: 'server_vad'
      readonly threshold: number
      readonly prefix_padding_ms: number
      readonly silence_duration_ms: number
      readonly idle_timeout_ms: number | null
      readonly create_response: boolean
      readonly interrupt_response: boolean
    }
  | {
      readonly type: 'semantic_vad'
      readonly eagerness: 'low' | 'medium' | 'high' | 'auto'
      readonly create_response: boolean
      readonly interrupt_response: boolean
    }

const pcm: FormatConfig = { type: 'audio/pcm', rate: 24_000 }

const serverVad: TurnDetectionConfig = {
  type: 'server_vad',
  threshold: serverDetection.threshold,
  prefix_padding_ms: serverDetection.prefixMs,
  silence_duration_ms: serverDetection.silenceMs,
  idle_timeout_ms: serverDetection.idleTimeoutMs,
  create_response: true,
  interrupt_response: true,
}
const semanticVad: TurnDetectionConfig = {
  type: 'semantic_vad',
  eagerness: 'auto',
  create_response: true,
  interrupt_response: true,
}

/** What a session begins with. */
export interface Beginning extends Pick<VoiceSettings, 'instructions' | 'turnDetection'> {
  readonly type: SessionConfig['type']
  readonly model: string
  readonly voice: string
}

function fromDetection(detection: TurnDetection): TurnDetectionConfig {
  const answers = { create_response: detection.createResponse, interrupt_response: detection.interruptResponse }
  if (detection.type === 'semantic_vad') return { type: detection.type, eagerness: detection.eagerness, ...answers }
  return {
    type: detection.type,
    threshold: detection.threshold,
    prefix_padding_ms: detection.prefixMs,
    silence_duration_ms: detection.silenceMs,
    idle_timeout_ms: detection.idleTimeoutMs,
    ...answers,
  }
}

/** What a session has before its client says anything. */
export function defaultConfig(begin: Beginning): SessionConfig {
  const { type, model, voice, turnDetection } = begin
  const instructions = type === 'realtime' ? begin.instructions : ''
  const transcription = type === 'transcription' ? { model } : null
  return {
    ...{ type, model, output_modalities: ['audio'], instructions, tools: [], tool_choice: 'auto' },
    ...{ max_output_tokens: 'inf', temperature: null, tracing: null, truncation: 'auto' },
    audio: {
      input: {
        format: pcm,
        transcription,
        noise_reduction: null,
        turn_detection: turnDetection && fromDetection(turnDetection),
      },
      output: { format: pcm, voice, speed: 1 },
    },
  }
}

/** With what the client changed: the fields that are present. */
export function withUpdate(config: SessionConfig, update: SessionUpdate): SessionConfig {
  const { audio = {}, type: _, ...plain } = update
  const {
    object: __,
    id: ___,
    expires_at: ____,
    include: _____,
    prompt: ______,
    parallel_tool_calls: _______,
    ...rest
  } = plain
  const { turn_detection, format, ...input } = audio.input ?? {}
  const { format: outFormat, ...output } = audio.output ?? {}
  const detection = turn_detection === undefined ? {} : { turn_detection: mergeDetection(config, turn_detection) }
  return {
    ...config,
    ...defined(rest),
    audio: {
      input: { ...config.audio.input, ...defined(input), ...formatOf(format), ...detection },
      output: { ...config.audio.output, ...defined(output), ...formatOf(outFormat) },
    },
  }
}

type DetectionUpdate = NonNullable<NonNullable<SessionUpdate['audio']>['input']>['turn_detection']

function mergeDetection({ audio }: SessionConfig, update: DetectionUpdate): TurnDetectionConfig | null {
  if (!update) return null
  const before = audio.input.turn_detection
  const base = before?.type === update.type ? before : update.type === 'server_vad' ? serverVad : semanticVad
  return { ...base, ...defined(update) } as TurnDetectionConfig
}

function formatOf(format: { readonly type: StreamFormat } | null | undefined) {
  return format ? { format: format.type === 'audio/pcm' ? pcm : { type: format.type } } : {}
}

/** Names that are known here; any other voice is the first of them, any other model the one that is first at each turn. */
export interface KnownNames {
  readonly models: readonly string[]
  readonly voices: readonly string[]
}

/** What the voice session is told of a configuration. */
export function toSettings(config: SessionConfig, known: KnownNames): VoiceSettings {
  const { audio, instructions, output_modalities, tools, tool_choice } = config
  const { transcription, turn_detection } = audio.input
  const { language, prompt } = transcription ?? {}
  // For a name that is not known here each turn takes the model that is first then: a device may be lost meanwhile.
  const model = known.models.includes(config.model) ? config.model : undefined
  return {
    instructions,
    ...(model === undefined ? {} : { model }),
    tools: tools.map(toTool),
    callsTools: tool_choice === 'auto',
    sampling: toSampling(config),
    voice: toVoice(audio.output, known),
    recognition: { ...(language && { language }), ...(prompt && { prompt }) },
    modality: output_modalities[0],
    turnDetection: turn_detection && toDetection(turn_detection, config.type),
  }
}

/** What differs for one response. */
export function toOverrides(
  config: SessionConfig,
  overrides: ResponseOverrides,
  known: KnownNames,
): Partial<VoiceSettings> {
  const { conversation: _, metadata, input: __, audio, ...answer } = overrides
  const { voice, speed } = audio?.output ?? {}
  const output = defined({ voice, speed })
  const settings = toSettings(withUpdate(config, { ...answer, audio: { output } }), known)
  const { turnDetection: ___, recognition: ____, ...wanted } = settings
  return { ...wanted, metadata: metadata ?? {} }
}

function toTool({ name, description, parameters }: SessionConfig['tools'][number]): LanguageTool {
  const described = description ? { description } : {}
  return { name, ...described, parameters: parameters ?? { type: 'object', properties: {} } }
}

function toSampling({ max_output_tokens, temperature }: SessionConfig): Sampling {
  const most = max_output_tokens === 'inf' ? {} : { maxTokens: max_output_tokens }
  return { ...most, ...(temperature === null ? {} : { temperature }) }
}

function toVoice({ voice, speed }: SessionConfig['audio']['output'], { voices }: KnownNames): VoiceSettings['voice'] {
  const name = knownName(voice, voices)
  return { ...(name === undefined ? {} : { voice: name }), ...(speed === 1 ? {} : { speed }) }
}

function knownName(name: string, names: readonly string[]): string | undefined {
  return names.includes(name) ? name : names[0]
}

function toDetection(config: TurnDetectionConfig, type: SessionConfig['type']): TurnDetection {
  const createResponse = config.create_response && type === 'realtime'
  const answers = { createResponse, interruptResponse: config.interrupt_response }
  if (config.type === 'semantic_vad') return { type: 'semantic_vad', eagerness: config.eagerness, ...answers }
  return {
    type: 'server_vad',
    threshold: config.threshold,
    prefixMs: config.prefix_padding_ms,
    silenceMs: config.silence_duration_ms,
    idleTimeoutMs: config.idle_timeout_ms,
    ...answers,
  }
}

/** Without the fields that are undefined. */
function defined<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never
}
