import type { Subscription } from 'rxjs'
import type { Playback } from '../audio/playbacks.ts'
import { ChangeSignal } from './change-signal.ts'
import type { ReplySound, VoiceOutput } from './voice-output.ts'

/** What a playback player hands sound to, and whom it tells. */
export interface PlaybackPlayerOptions {
  /** Hands a piece on; the speaker has taken it when this returns. */
  readonly send: (sound: ReplySound) => void
  readonly onPlayed: (turn: number, ms: number) => void
  /** Sound that may wait at the speaker, in milliseconds. */
  readonly aheadMs: number
}

/** For a speaker that tells what was heard. One reply at a time: the newest. */
export class PlaybackPlayer implements Pick<VoiceOutput, 'play' | 'hold' | 'resume' | 'flush'> {
  readonly #options: PlaybackPlayerOptions
  readonly #changed = new ChangeSignal()
  #turn = 0
  #playback: Playback | undefined
  #listening: Subscription | undefined
  /** What the speaker has to have heard before this reply begins. */
  #startsAtMs = 0
  #sentMs = 0

  constructor(options: PlaybackPlayerOptions) {
    this.#options = options
  }

  /** A reply begins that this speaker will play. */
  begin(turn: number, playback: Playback): void {
    this.close()
    this.#turn = turn
    this.#playback = playback
    this.#startsAtMs = playback.takenMs - playback.droppedMs
    this.#sentMs = 0
    this.#listening = playback.changes.subscribe({
      next: () => {
        this.#options.onPlayed(turn, this.#heardMs(playback))
        this.#changed.wake()
      },
      // It broke: nothing of the reply is heard any more, which its session finds out by itself.
      complete: () => this.close(),
    })
  }

  /** While the speaker has enough, it waits. What comes after the reply's end is dropped. */
  async play(sound: ReplySound): Promise<void> {
    const ms = (sound.samples.length * 1000) / sound.sampleRate
    while (this.#isPlaying(sound.turn) && this.#waitingMs() >= this.#options.aheadMs) await this.#changed.next()
    if (!this.#isPlaying(sound.turn)) return
    this.#sentMs += ms
    this.#options.send(sound)
  }

  hold(turn: number): void {
    if (turn === this.#turn) this.#playback?.hold()
  }

  resume(turn: number): void {
    if (turn === this.#turn) this.#playback?.resume()
  }

  async flush(turn: number): Promise<number> {
    const playback = this.#playback
    if (turn !== this.#turn || !playback) return 0
    this.close()
    await playback.flush()
    return this.#heardMs(playback)
  }

  /** Nothing is sent or told any more. */
  close(): void {
    this.#listening?.unsubscribe()
    this.#playback = undefined
    this.#changed.wake()
  }

  #isPlaying(turn: number): boolean {
    return turn === this.#turn && this.#playback !== undefined
  }

  #waitingMs(): number {
    const { takenMs = 0, heardMs = 0, droppedMs = 0 } = this.#playback ?? {}
    return takenMs - heardMs - droppedMs
  }

  #heardMs({ heardMs }: Playback): number {
    return Math.max(0, Math.min(this.#sentMs, heardMs - this.#startsAtMs))
  }
}
