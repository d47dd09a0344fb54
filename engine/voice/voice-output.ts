import type { Notice } from './effects.ts'
import type { TurnMeasures } from './turn-measures.ts'

/** A piece of a reply's sound: mono, a quarter of a second at most. */
export interface ReplySound {
  /** Of the reply. */
  readonly turn: number
  /** The clause that it belongs to, counted from 0 within the reply. */
  readonly clause: number
  readonly response: string
  readonly item: string
  readonly samples: Int16Array
  /** Samples a second: the voice's own. */
  readonly sampleRate: number
}

/** Measured before a response ends: it comes right before that notice. */
export interface MeasuredNotice {
  readonly type: 'measured'
  readonly turn: number
  readonly response: string
  readonly measures: TurnMeasures
}

/** What a voice session tells: the turn machine's notices, and how long a reply took. */
export type VoiceNotice = Notice | MeasuredNotice

/**
 * Where a voice session's sound and notices go. Whoever opened the session owns it, and tells the session `played` at least every few seconds
 * while sound of a reply plays; one whose listener cannot tell what was heard does so by a `ClockPlayer`. Called from one place, never
 * concurrently for one reply but for `play`, which may still be pending when the others are called. Nothing is called after the session's end.
 */
export interface VoiceOutput {
  /** In the order of what happened. Must not throw, and takes no time. */
  notice(notice: VoiceNotice): void
  /**
   * A piece of a reply's sound, in order. Resolves when it was handed to the listener and more may come: that is the backpressure. While the
   * reply is held it stays pending; `flush` of the reply makes it resolve without handing anything over.
   */
  play(sound: ReplySound): Promise<void>
  /** Keep what waits, play nothing. */
  hold(turn: number): void
  resume(turn: number): void
  /** Drop what was not heard yet, also ends a hold. Resolves with the milliseconds heard of this reply in all, 0 for one that never played. */
  flush(turn: number): Promise<number>
}
