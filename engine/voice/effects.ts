import type { ErrorCode } from '../errors.ts'
import type { ChatMessage, ToolCall } from '../inference/language.ts'
import type { RecogniserOptions, SynthesisOptions } from '../inference/speech.ts'
import type { TimerName } from './events.ts'
import type { HistoryItem } from './history.ts'
import type { Stage, VoiceSettings } from './settings.ts'

/**
 * What a session has to do, in the order given, before it takes the next event. Nothing is waited for: what comes of an effect comes back as an
 * event with the effect's turn, also a failure, as `failed`.
 */
export type Effect =
  /** Give the sound from `fromMs` on, kept or yet to come, to a recogniser; its partial texts are `partial`. Sound before `fromMs` is needed no more. */
  | { readonly type: 'listen'; readonly turn: number; readonly fromMs: number; readonly options: RecogniserOptions }
  /** The turn's sound ends at `toMs`: finish, then `transcript`. */
  | { readonly type: 'transcribe'; readonly turn: number; readonly toMs: number }
  /** Stop listening, or give up the transcript; sound before `toMs` is needed no more. */
  | { readonly type: 'forget'; readonly turn: number; readonly toMs: number }
  /**
   * Ask the language model: each text is `reply-text` and goes through `ReplyReader`, whose clauses are `clause`; a call is `tool-call`, the end
   * `generated`. A new one ends the one before, whatever its turn.
   */
  | {
      readonly type: 'generate'
      readonly turn: number
      readonly round: number
      readonly messages: readonly ChatMessage[]
      readonly settings: VoiceSettings
    }
  /** Abort that generation. */
  | { readonly type: 'stop-generating'; readonly turn: number; readonly round: number }
  /** Call a built-in tool, then `tool-result`. */
  | { readonly type: 'call-tool'; readonly turn: number; readonly call: ToolCall }
  /** Say a clause: each piece is `sound` when it was handed to the listener, then `spoken`. One at a time; pacing is the session's. */
  | {
      readonly type: 'speak'
      readonly turn: number
      readonly clause: number
      readonly text: string
      readonly voice: SynthesisOptions
    }
  /** Abort the reply's generation, tools and speech. No sound of it may be handed out any more. */
  | { readonly type: 'stop-reply'; readonly turn: number }
  /** Pause the playing, keep what waits. No sound is handed out until `resume`. */
  | { readonly type: 'hold'; readonly turn: number }
  | { readonly type: 'resume'; readonly turn: number }
  /** Drop all sound that was not heard, then `flushed`. Ends a hold as well. */
  | { readonly type: 'flush'; readonly turn: number }
  /** Tell `timer` with this id after `ms`. One of the same name that runs is replaced. */
  | { readonly type: 'start-timer'; readonly timer: TimerName; readonly timerId: number; readonly ms: number }
  | { readonly type: 'stop-timer'; readonly timer: TimerName }
  /** For protocols and topics, in this order. */
  | { readonly type: 'tell'; readonly notice: Notice }
  /** The voice session is over: let everything go. */
  | { readonly type: 'end' }

/** How a response ended. */
export interface ResponseEnd {
  readonly status: 'completed' | 'cancelled' | 'failed'
  readonly reason?: 'turn_detected' | 'client_cancelled' | 'closed'
}

/** What others see of a voice session. */
export type Notice =
  /** `audioMs` with the prefix. It is followed by one `speech-stopped`. */
  | { readonly type: 'speech-started'; readonly turn: number; readonly item: string; readonly audioMs: number }
  /** `dismissed`: it was no speech, and no item comes of it. */
  | {
      readonly type: 'speech-stopped'
      readonly turn: number
      readonly item: string
      readonly audioMs: number
      readonly outcome: 'committed' | 'dismissed'
    }
  | { readonly type: 'partial'; readonly turn: number; readonly item: string; readonly text: string }
  | {
      readonly type: 'committed'
      readonly turn: number
      readonly item: string
      readonly previous: string | null
      readonly fromMs: number
      readonly toMs: number
    }
  | { readonly type: 'cleared' }
  /** An empty text: the item is gone again. */
  | { readonly type: 'transcribed'; readonly turn: number; readonly item: string; readonly text: string }
  | { readonly type: 'transcription-failed'; readonly turn: number; readonly item: string; readonly message: string }
  | { readonly type: 'idle-timeout'; readonly turn: number; readonly audioMs: number }
  | {
      readonly type: 'response-started'
      readonly turn: number
      readonly response: string
      readonly settings: VoiceSettings
      readonly isOutOfBand: boolean
    }
  | { readonly type: 'response-ended'; readonly turn: number; readonly response: string; readonly end: ResponseEnd }
  /** An item of a response, or one that a client made (`response` null, `isDone` true). It is followed by one `item-done` unless it is done. */
  | {
      readonly type: 'item-added'
      readonly response: string | null
      readonly item: HistoryItem
      readonly previous: string | null
      readonly isDone: boolean
    }
  | {
      readonly type: 'item-done'
      readonly response: string
      readonly item: HistoryItem
      readonly status: 'completed' | 'incomplete'
    }
  /** More of the text as the model writes it. */
  | { readonly type: 'reply-text'; readonly response: string; readonly item: string; readonly text: string }
  /** Speech over a reply: it pauses, and then goes on or is cancelled. */
  | { readonly type: 'reply-held' | 'reply-resumed'; readonly turn: number }
  | { readonly type: 'item-deleted'; readonly item: string }
  | { readonly type: 'item-truncated'; readonly item: string; readonly endMs: number }
  | { readonly type: 'settings'; readonly settings: VoiceSettings }
  /** A stage failed; the voice session goes on. */
  | {
      readonly type: 'stage-failed'
      readonly turn: number
      readonly stage: Stage
      readonly code: ErrorCode
      readonly message: string
    }
  /** A request that could not be heeded; nothing has changed. `reason`: the protocol's own code where it has one. */
  | {
      readonly type: 'refused'
      readonly id: string | null
      readonly code: ErrorCode
      readonly reason: RefusalReason | null
      readonly message: string
    }

export type RefusalReason =
  | 'response_cancel_not_active'
  | 'conversation_already_has_active_response'
  | 'input_audio_buffer_commit_empty'
