import { z } from 'zod'
import type { Speech } from '../inference/speech.ts'
import { type BuiltInToolName, builtInToolNames } from './built-in-tool.ts'
import { defaultSettings, serverDetection, type VoiceSettings } from './settings.ts'

const name = z.string().min(1).max(200)
const ms = z.number().int().min(0)

/** The section `voice` of the configuration: how voice sessions are that do not say otherwise themselves, and what answers over Wyoming. */
export const voiceSchema = z.strictObject({
  /** Conversations at once; each needs the models for itself while it speaks or listens. */
  sessions: z.number().int().min(1).max(256).default(8),
  /** The system prompt: see `PromptTemplate`. */
  instructions: z
    .string()
    .max(8000)
    .default(
      'You are a friendly assistant who is spoken with. Answer in one or two short sentences, without lists or markup.',
    ),
  /** Tools of the engine that models are offered: all, none, or these. */
  tools: z.union([z.boolean(), z.array(z.enum(builtInToolNames))]).default(true),
  /** Left out: the default model, the best voice, the best recogniser. */
  model: name.nullable().default(null),
  voice: name.nullable().default(null),
  recogniser: name.nullable().default(null),
  /** ISO 639-1; left out: found, where the recogniser can. */
  language: name.nullable().default(null),
  /** How the end of what somebody says is found. */
  turnDetection: z
    .discriminatedUnion('type', [
      z.strictObject({
        type: z.literal('server_vad'),
        threshold: z.number().min(0).max(1).default(serverDetection.threshold),
        prefixMs: ms.max(5000).default(serverDetection.prefixMs),
        silenceMs: ms.max(10_000).default(serverDetection.silenceMs),
        idleTimeoutMs: ms.min(1000).max(600_000).nullable().default(serverDetection.idleTimeoutMs),
      }),
      z.strictObject({
        type: z.literal('semantic_vad'),
        eagerness: z.enum(['low', 'medium', 'high', 'auto']).default('auto'),
      }),
    ])
    .default({ ...withoutAnswers() }),
})

/** That section, parsed. */
export type VoiceConfig = z.output<typeof voiceSchema>

/** What a voice session begins with. The instructions are the template as it is written. */
export function settingsOf({ instructions, model, voice, language, turnDetection }: VoiceConfig): VoiceSettings {
  const { createResponse, interruptResponse } = serverDetection
  return {
    ...defaultSettings,
    instructions,
    ...(model !== null && { model }),
    voice: voice === null ? {} : { voice },
    recognition: language === null ? {} : { language },
    turnDetection: { ...turnDetection, createResponse, interruptResponse },
  }
}

/** Tools that are offered. */
export function offeredTools({ tools }: Pick<VoiceConfig, 'tools'>): readonly BuiltInToolName[] {
  if (typeof tools === 'boolean') return tools ? builtInToolNames : []
  return tools
}

/** Speech whose recogniser, when nobody says which, is the configured one. */
export function withRecogniser(speech: Speech, { recogniser: chosen }: Pick<VoiceConfig, 'recogniser'>): Speech {
  if (chosen === null) return speech
  const { synthesiser, detector, spotter } = speech
  const recogniser = (name?: string) => speech.recogniser(name ?? chosen)
  return { synthesiser, detector, spotter, recogniser, recognisers: () => speech.recognisers() }
}

function withoutAnswers() {
  const { createResponse: _, interruptResponse: __, ...detection } = serverDetection
  return detection
}
