import type { History } from './history.ts'
import type { VoiceSettings } from './settings.ts'
import type { VoiceRequest } from './voice-request.ts'

/** One conversation by voice. Disposing it ends all its work within half a second; nothing is told to its output after that. */
export interface VoiceSession extends AsyncDisposable {
  /** Unique within this run of the engine. */
  readonly id: string
  /** As they are now. */
  readonly settings: VoiceSettings
  /** The conversation so far, of interrupted replies only what was heard. */
  readonly history: History
  /** Milliseconds of sound that have come. */
  readonly inputMs: number
  /** Takes mono sound, each sample once; the samples are borrowed until it returns. Throws `busy` when ten minutes of it wait to be understood, `closed`. */
  push(samples: Int16Array, sampleRate: number): void
  /** Takes effect before it returns. After the end it does nothing. */
  tell(request: VoiceRequest): void
}
