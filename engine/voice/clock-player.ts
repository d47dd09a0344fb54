import { ChangeSignal } from './change-signal.ts'
import type { ReplySound, VoiceOutput } from './voice-output.ts'

/** The session is told so often what was heard. */
const tellEveryMs = 500

/** What a clock player hands sound to, and whom it tells. */
export interface ClockPlayerOptions {
  /** Hands a piece to the listener. Resolves when the way there has room again. */
  readonly send: (sound: ReplySound) => Promise<void>
  readonly onPlayed: (turn: number, ms: number) => void
  /** Sound may be sent so many milliseconds before it is heard. */
  readonly aheadMs?: number
  /** For tests. */
  readonly now?: () => number
}

/**
 * For listeners that cannot tell what they heard: what was sent counts as heard in real time, from when it was sent. Sound is sent only so far
 * ahead of that, so a listener is never handed more than a few seconds that an interruption would have to take back, and never runs dry while
 * there is more.
 */
export class ClockPlayer implements Pick<VoiceOutput, 'play' | 'hold' | 'resume' | 'flush'> {
  readonly #options: ClockPlayerOptions
  readonly #aheadMs: number
  readonly #now: () => number
  readonly #changed = new ChangeSignal()
  #turn = 0
  #sentMs = 0
  #heardMs = 0
  #at = 0
  #isHeld = false
  #toldMs = 0
  #timer: NodeJS.Timeout | undefined

  constructor(options: ClockPlayerOptions) {
    this.#options = options
    // Longer than a slow model's clause takes, and than a network hangs.
    this.#aheadMs = options.aheadMs ?? 5000
    this.#now = options.now ?? (() => performance.now())
  }

  async play(sound: ReplySound): Promise<void> {
    if (sound.turn > this.#turn) this.#begin(sound.turn)
    while (sound.turn === this.#turn && (this.#isHeld || this.#leadMs() >= this.#aheadMs)) await this.#changed.next()
    if (sound.turn !== this.#turn) return
    await this.#options.send(sound)
    // Heard from now on: before, it was on its way. The session hears of a piece before it hears that it was played.
    if (sound.turn !== this.#turn) return
    this.#advance()
    this.#sentMs += (sound.samples.length * 1000) / sound.sampleRate
    this.#schedule()
  }

  hold(turn: number): void {
    if (turn > this.#turn) this.#begin(turn)
    if (turn !== this.#turn) return
    this.#advance()
    this.#isHeld = true
    this.#schedule()
  }

  resume(turn: number): void {
    if (turn !== this.#turn) return
    this.#advance()
    this.#isHeld = false
    this.#schedule()
    this.#changed.wake()
  }

  async flush(turn: number): Promise<number> {
    if (turn !== this.#turn) return 0
    this.#advance()
    const heardMs = this.#heardMs
    // Nothing of this turn is played any more, whatever comes late.
    this.#begin(turn + 0.5)
    return heardMs
  }

  /** Nothing is sent or told any more. */
  close(): void {
    this.#begin(Number.POSITIVE_INFINITY)
  }

  #begin(turn: number): void {
    this.#turn = turn
    this.#sentMs = 0
    this.#heardMs = 0
    this.#toldMs = 0
    this.#at = this.#now()
    this.#isHeld = false
    clearTimeout(this.#timer)
    this.#changed.wake()
  }

  #leadMs(): number {
    this.#advance()
    return this.#sentMs - this.#heardMs
  }

  #advance(): void {
    const now = this.#now()
    if (!this.#isHeld) this.#heardMs = Math.min(this.#sentMs, this.#heardMs + now - this.#at)
    this.#at = now
  }

  /** Rings when the next thing is due: room, something to tell, or the end of what was sent. */
  #schedule(): void {
    clearTimeout(this.#timer)
    const leadMs = this.#leadMs()
    if (this.#isHeld || leadMs <= 0) return
    const dueMs = Math.max(1, Math.min(tellEveryMs, leadMs))
    this.#timer = setTimeout(() => this.#tell(), dueMs)
  }

  #tell(): void {
    const { onPlayed } = this.#options
    this.#schedule()
    this.#changed.wake()
    if (this.#heardMs === this.#toldMs) return
    this.#toldMs = this.#heardMs
    onPlayed(this.#turn, this.#heardMs)
  }
}
