import type { ErrorCode } from '../errors.ts'
import type { ChatMessage, ToolCall } from '../inference/language.ts'
import type { HistoryItem } from './history.ts'
import type { Stage, VoiceSettings } from './settings.ts'

/** The timers of a voice session; each runs once at most. */
export type TimerName = 'end-of-turn' | 'speculate' | 'confirm' | 'longest-turn' | 'idle' | Stage

/** What the machine is told by the microphone's side. `audioMs`: milliseconds of input sound since the session began. */
export type InputEvent =
  /** So much more sound has come. */
  | { readonly type: 'audio'; readonly ms: number }
  /** The voice detector hears speech since `audioMs`; told once, until `silence`. Gaps within a word may be told or not. */
  | { readonly type: 'speech'; readonly audioMs: number }
  /** It has heard none since `audioMs`. `lastedMs`: so long, of sound, before it was told; left out: it is told at once. */
  | { readonly type: 'silence'; readonly audioMs: number; readonly lastedMs?: number }
  /** What the recogniser has understood of the open turn so far; `completeness`: the probability, 0 to 1, that the user is done, where a model tells. */
  | { readonly type: 'partial'; readonly turn: number; readonly text: string; readonly completeness?: number }
  /** The whole text of a turn that was to be transcribed; empty when nobody said anything. */
  | { readonly type: 'transcript'; readonly turn: number; readonly text: string }
  /** A button to talk. */
  | { readonly type: 'press' }
  | { readonly type: 'release' }
  /** The sound so far is an utterance; nothing answers it by itself. */
  | { readonly type: 'commit'; readonly id?: string }
  /** The sound so far is forgotten. */
  | { readonly type: 'clear' }

/** What answers the effects of a reply. `turn` and `round` are those of the effect. */
export type ReplyEvent =
  | { readonly type: 'reply-text'; readonly turn: number; readonly round: number; readonly text: string }
  /** A clause of the same text, clean for the voice. */
  | { readonly type: 'clause'; readonly turn: number; readonly round: number; readonly text: string }
  | { readonly type: 'tool-call'; readonly turn: number; readonly round: number; readonly call: ToolCall }
  /** The language model is done; no more of this round comes. */
  | { readonly type: 'generated'; readonly turn: number; readonly round: number }
  | { readonly type: 'tool-result'; readonly turn: number; readonly callId: string; readonly output: string }
  /** So many milliseconds of a clause's sound were handed to the listener. `wordEnds`: as in `SpokenClause`. */
  | {
      readonly type: 'sound'
      readonly turn: number
      readonly clause: number
      readonly ms: number
      readonly wordEnds?: readonly number[]
    }
  /** All of its sound was. */
  | { readonly type: 'spoken'; readonly turn: number; readonly clause: number }
  /** The listener has heard so many milliseconds of the reply. */
  | { readonly type: 'played'; readonly turn: number; readonly ms: number }
  /** The answer to `flush`: so many milliseconds were heard in all. */
  | { readonly type: 'flushed'; readonly turn: number; readonly ms: number }

/** What clients ask for. `id` comes back in a refusal. */
export type RequestEvent = { readonly id?: string } & (
  | { readonly type: 'create-item'; readonly item: HistoryItem; readonly previous?: string | null }
  | { readonly type: 'delete-item'; readonly item: string }
  | { readonly type: 'truncate'; readonly item: string; readonly endMs: number }
  | ({ readonly type: 'respond' } & ResponseRequest)
  /** Left out: the one in progress. */
  | { readonly type: 'cancel-response'; readonly response?: string }
  /** The user types: interrupts as a voice does, and is answered. */
  | { readonly type: 'say'; readonly text: string }
  /** A button to be quiet. */
  | { readonly type: 'interrupt' }
)

/** A response that a client asks for. */
export interface ResponseRequest {
  /** For this response only. */
  readonly settings?: Partial<VoiceSettings>
  /** Instead of the conversation. */
  readonly messages?: readonly ChatMessage[]
  /** It leaves the conversation as it is. */
  readonly isOutOfBand?: boolean
}

/** Everything that the machine can be told. `at`: milliseconds of any clock that only goes forward. */
export type VoiceEvent = { readonly at: number } & (
  | InputEvent
  | ReplyEvent
  | RequestEvent
  | {
      readonly type: 'failed'
      readonly turn: number
      /** Of the language model's round, where it is that stage. */
      readonly round?: number
      readonly stage: Stage
      readonly code: ErrorCode
      readonly message: string
      readonly callId?: string
    }
  | { readonly type: 'timer'; readonly timer: TimerName; readonly timerId: number }
  | { readonly type: 'update'; readonly settings: Partial<VoiceSettings> }
  | { readonly type: 'close' }
)

/** One kind of event. */
export type EventOf<T extends VoiceEvent['type']> = Extract<VoiceEvent, { type: T }>
