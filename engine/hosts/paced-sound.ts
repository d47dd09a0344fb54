import type { PlaybackPosition } from './playback-protocol.ts'

/** How far the device may be ahead of what is heard: an interruption is heard so late, and a busy machine may pause so long. */
const leadMs = 80

/** What takes sound, in the order given. */
export interface SoundDevice {
  write(samples: Int16Array): void
  /** Milliseconds that the device has not taken yet. */
  waitingMs(): number
}

/** The format of the sound. */
export interface PacedSoundOptions {
  readonly rate: number
  readonly channels: number
  readonly pieceMs: number
}

/**
 * Sound on its way to a device: handed over piece by piece, shortly before it is heard, so that it can be held or dropped. By the clock, and
 * by what waits before the device, where that is slower. `now` in milliseconds.
 */
export class PacedSound {
  readonly #device: SoundDevice
  readonly #samplesPerMs: number
  readonly #pieceSamples: number
  #queue: Int16Array[] = []
  #queuedMs = 0
  /** Handed over, and not heard yet. */
  #ahead = 0
  #givenMs = 0
  #droppedMs = 0
  #at: number
  #isHeld = false

  constructor(device: SoundDevice, { rate, channels, pieceMs }: PacedSoundOptions, now: number) {
    this.#device = device
    this.#samplesPerMs = (rate * channels) / 1000
    this.#pieceSamples = Math.round(this.#samplesPerMs * pieceMs)
    this.#at = now
  }

  get position(): PlaybackPosition {
    return { heardMs: this.#givenMs - this.#ahead, droppedMs: this.#droppedMs }
  }

  /** Whether nothing is on its way to be heard. */
  get isQuiet(): boolean {
    return this.#ahead <= 0 && (this.#isHeld || this.#queuedMs === 0)
  }

  /** The samples are its own from then on. */
  push(samples: Int16Array, now: number): void {
    for (let at = 0; at < samples.length; at += this.#pieceSamples) {
      const piece = samples.subarray(at, at + this.#pieceSamples)
      this.#queue.push(piece)
      this.#queuedMs += piece.length / this.#samplesPerMs
    }
    this.step(now)
  }

  hold(): void {
    this.#isHeld = true
  }

  resume(now: number): void {
    this.#isHeld = false
    this.step(now)
  }

  /** Drops what was not handed over yet; the rest is heard within `leadMs`. */
  drop(): void {
    this.#droppedMs += this.#queuedMs
    this.#queue = []
    this.#queuedMs = 0
    this.#isHeld = false
  }

  /** Called often, every 10 ms or so. */
  step(now: number): void {
    this.#ahead = Math.max(0, this.#ahead - (now - this.#at))
    if (this.#ahead > 0 || this.#queuedMs > 0) this.#ahead = Math.max(this.#ahead, this.#device.waitingMs())
    this.#at = now
    while (!this.#isHeld && this.#ahead < leadMs) {
      const piece = this.#queue.shift()
      if (!piece) return
      const ms = piece.length / this.#samplesPerMs
      this.#queuedMs = this.#queue.length === 0 ? 0 : this.#queuedMs - ms
      this.#device.write(piece)
      this.#ahead += ms
      this.#givenMs += ms
    }
  }
}
