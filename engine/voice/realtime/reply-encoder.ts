import type { SoundEncoder } from '../../audio/codec.ts'
import { Resampler } from '../../audio/resampler.ts'
import { openSoundEncoder, type StreamFormat } from '../../audio/sound-codec.ts'
import type { ReplySound } from '../voice-output.ts'

/** A reply's sound in the client's format, item by item. Whoever opened it disposes it. */
export class ReplyEncoder implements Disposable {
  readonly format: StreamFormat
  readonly #encoder: SoundEncoder
  #item = ''
  #rate = 0
  #resampler: Resampler | undefined

  private constructor(format: StreamFormat, encoder: SoundEncoder) {
    this.format = format
    this.#encoder = encoder
  }

  static async open(format: StreamFormat): Promise<ReplyEncoder> {
    return new ReplyEncoder(format, await openSoundEncoder(format))
  }

  /**
   * Pieces for as many messages, of Opus a packet each; none while the sound is too short for one. They are encoded as they are taken, and an
   * Opus packet may take milliseconds: serve others in between.
   */
  *encode({ item, samples, sampleRate }: Pick<ReplySound, 'item' | 'samples' | 'sampleRate'>): Generator<Uint8Array> {
    if (item !== this.#item) this.#begin(item)
    if (sampleRate !== this.#rate) yield* this.#convertFrom(sampleRate)
    yield* this.#push(this.#resampler ? this.#resampler.push(samples) : samples)
  }

  /** The last milliseconds of an item's sound, of Opus filled with silence to a whole packet. */
  end(item: string): Uint8Array[] {
    if (item !== this.#item) return []
    const rest = this.#resampler ? [...this.#push(this.#resampler.end())] : []
    const last = this.#encoder.end()
    this.#item = ''
    return [...rest, ...last]
  }

  [Symbol.dispose](): void {
    this.#encoder[Symbol.dispose]()
  }

  #begin(item: string): void {
    // What is left of an item that was not ended belongs to nobody.
    if (this.#item !== '') this.#encoder.end()
    this.#item = item
    this.#rate = 0
    this.#resampler = undefined
  }

  *#convertFrom(sampleRate: number): Generator<Uint8Array> {
    if (this.#resampler) yield* this.#push(this.#resampler.end())
    const { sampleRate: wanted } = this.#encoder
    this.#rate = sampleRate
    this.#resampler = sampleRate === wanted ? undefined : new Resampler(sampleRate, wanted)
  }

  *#push(sound: Int16Array): Generator<Uint8Array> {
    const step = this.format === 'audio/opus' ? this.#encoder.sampleRate / 50 : sound.length
    for (let at = 0; at < sound.length; at += step) yield* this.#encoder.push(sound.subarray(at, at + step))
  }
}
