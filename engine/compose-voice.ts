import type { Config } from './config.ts'
import type { ClosingStack } from './core/lifecycle.ts'
import { EngineError, messageOf } from './errors.ts'
import type { Language } from './inference/language.ts'
import type { Speech } from './inference/speech.ts'
import type { Logger } from './log.ts'
import type { SocketApp } from './server/socket-app.ts'
import { configuredSessions } from './voice/configured-sessions.ts'
import { RealtimeApp } from './voice/realtime/realtime-app.ts'
import type { KnownNames } from './voice/realtime/session-config.ts'
import { SessionPool } from './voice/session-pool.ts'
import { defaultSettings, type MachineOptions, type VoiceSettings } from './voice/settings.ts'
import type { TurnMeasures } from './voice/turn-measures.ts'
import type { VoiceSessions } from './voice/voice-sessions.ts'
import type { VoiceTools } from './voice/voice-tools.ts'
import type { VoiceMetrics } from './voice-metrics.ts'

/** What voice sessions need of the engine around them. */
export interface VoiceSurroundings {
  readonly config: Pick<Config, 'voice'>
  /** Also by the names that clients gave. */
  readonly language: Language
  readonly speech: Speech
  /** Of every session that brings none of its own. */
  readonly tools?: VoiceTools
  /** As sessions begin that bring none; left out: the usual ones. */
  readonly settings?: VoiceSettings
  /** Times and limits in place of the usual ones. */
  readonly machine?: Partial<MachineOptions> | undefined
  readonly metrics: VoiceMetrics
  readonly log: Logger
  readonly closing: ClosingStack
}

/** Conversations by voice. */
export interface ComposedVoice {
  /** For nodes and protocols. */
  readonly sessions: VoiceSessions
  /** Protocols by WebSocket, for the engine's own port. */
  readonly socketApps: readonly SocketApp[]
}

/** Builds what holds conversations by voice, and the protocols by which clients do. */
export function composeVoice({
  config,
  language,
  speech,
  metrics,
  closing,
  ...around
}: VoiceSurroundings): ComposedVoice {
  const log = around.log.child({ part: 'voice' })
  const onTrouble = (error: unknown) => log.warn({ reason: messageOf(error) }, 'a stage of a voice session failed')
  const { sessions: limit } = config.voice
  const given = { ...(around.tools && { tools: around.tools }), ...(around.machine && { machine: around.machine }) }
  const onMeasured = (measures: TurnMeasures) => metrics.measured(measures)
  const parts = { speech, language, limit, onTrouble, onMeasured }
  const sessions = closing.use('voice sessions', new SessionPool({ ...parts, ...given }))
  metrics.countSessions(() => sessions.size)
  const onBug = (error: unknown) => log.error({ err: error }, 'bug in a voice session')
  const { settings = defaultSettings } = around
  const known = async () => firstConfigured(await findNames(language, speech), settings)
  const realtime = closing.use('realtime clients', new RealtimeApp({ sessions, known, settings, onBug }))
  return { sessions: configuredSessions(sessions, settings), socketApps: [realtime] }
}

/** What lacks is told when a session is opened that needs it. */
async function findNames(language: Language, speech: Speech): Promise<KnownNames> {
  const [first, statuses, voices] = await Promise.all([
    language.find(undefined).catch(noneThere),
    language.status(),
    speech.synthesiser.voices(),
  ])
  const chatting = statuses.filter(({ capabilities, state }) => capabilities.chat && state !== 'missing')
  const models = chatting.flatMap(({ name, aliases }) => [name, ...aliases])
  const here = voices.filter(({ state }) => state === 'available')
  return { models: [...(first ? [first.name] : []), ...models], voices: here.map(({ name }) => name) }
}

/** A client that names none gets the first. */
function firstConfigured({ models, voices }: KnownNames, { model, voice: { voice } }: VoiceSettings): KnownNames {
  return { models: [...(model ? [model] : []), ...models], voices: [...(voice ? [voice] : []), ...voices] }
}

function noneThere(error: unknown): undefined {
  if (!(error instanceof EngineError)) throw error
  return undefined
}
