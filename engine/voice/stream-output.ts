import type { Playback } from '../audio/playbacks.ts'
import { ClockPlayer } from './clock-player.ts'
import { PlaybackPlayer } from './playback-player.ts'
import type { ReplySound, VoiceNotice, VoiceOutput } from './voice-output.ts'

/** What a stream output hands on, and whom it tells. */
export interface StreamOutputOptions {
  readonly onNotice: (notice: VoiceNotice) => void
  readonly onSound: (sound: ReplySound) => void
  /** So many milliseconds of the reply of that turn were heard. */
  readonly onPlayed: (turn: number, ms: number) => void
  /** What was not heard of a reply was dropped; told after the voice session knows. */
  readonly onFlushed: (turn: number) => void
  /** The speaker that plays the sound now; undefined where there is none. */
  readonly playback: () => Playback | undefined
  /** Sound is handed on so many milliseconds before it is heard. */
  readonly aheadMs: number
}

/** Where a voice session in the graph speaks: by a speaker that tells what was heard of a reply, else by the clock. Which of them is found out at its beginning. */
export class StreamOutput implements VoiceOutput {
  readonly #options: StreamOutputOptions
  readonly #clock: ClockPlayer
  readonly #speaker: PlaybackPlayer
  #turn = 0
  #isAtSpeaker = false

  constructor(options: StreamOutputOptions) {
    this.#options = options
    const { onSound, onPlayed, aheadMs } = options
    this.#clock = new ClockPlayer({ send: async (sound) => onSound(sound), onPlayed, aheadMs })
    this.#speaker = new PlaybackPlayer({ send: onSound, onPlayed, aheadMs })
  }

  notice(notice: VoiceNotice): void {
    this.#options.onNotice(notice)
  }

  play(sound: ReplySound): Promise<void> {
    if (sound.turn > this.#turn) this.#begin(sound.turn)
    return this.#player.play(sound)
  }

  hold(turn: number): void {
    this.#player.hold(turn)
  }

  resume(turn: number): void {
    this.#player.resume(turn)
  }

  async flush(turn: number): Promise<number> {
    const ms = await this.#player.flush(turn)
    setImmediate(() => this.#options.onFlushed(turn))
    return ms
  }

  /** Nothing is handed on or told any more. */
  close(): void {
    this.#clock.close()
    this.#speaker.close()
  }

  get #player(): ClockPlayer | PlaybackPlayer {
    return this.#isAtSpeaker ? this.#speaker : this.#clock
  }

  #begin(turn: number): void {
    this.#turn = turn
    const playback = this.#options.playback()
    this.#isAtSpeaker = playback !== undefined
    if (playback) this.#speaker.begin(turn, playback)
  }
}
