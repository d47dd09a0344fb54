import type { History } from './history.ts'
import type { MachineOptions, VoiceSettings } from './settings.ts'
import type { VoiceOutput } from './voice-output.ts'
import type { VoiceSession } from './voice-session.ts'
import type { VoiceTools } from './voice-tools.ts'

/** How a voice session begins. */
export interface VoiceSessionOptions {
  /** Who it is, as messages and logs name it: `realtime`, or a stream. */
  readonly user: string
  readonly settings?: Partial<VoiceSettings>
  /** Times and limits that stay as they are for the session. */
  readonly machine?: Partial<Omit<MachineOptions, 'builtInTools'>>
  /** Left out: the engine's own; `noTools` for none. */
  readonly tools?: VoiceTools
  /** `transcribe`: what is said is only written down; no language model and no voice are loaded. Left out: `converse`. */
  readonly purpose?: 'converse' | 'transcribe'
  /** What was said before, where a conversation is gone on with. */
  readonly history?: History
}

/** Opens voice sessions. Closing it ends them all. */
export interface VoiceSessions {
  /** Open ones, and those that are being opened. */
  readonly size: number
  /**
   * Loads what the session needs, then opens it. Rejects with `busy` at once when there are as many as may be, `unavailable` naming what to pull
   * when a stage is missing, `cancelled` by the signal, `closed`. Whoever opened the session disposes it; its place is free from then on.
   */
  open(output: VoiceOutput, options: VoiceSessionOptions, signal?: AbortSignal): Promise<VoiceSession>
}
