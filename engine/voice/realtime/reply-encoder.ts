import { Resampler } from '../../audio/resampler.ts'
import type { ReplySound } from '../voice-output.ts'
import type { SoundCodec } from './sound-format.ts'

/** A reply's sound in the client's format. */
export class ReplyEncoder {
  readonly #codec: SoundCodec
  #item = ''
  #rate = 0
  #resampler: Resampler | undefined

  constructor(codec: SoundCodec) {
    this.#codec = codec
  }

  /** Base64; empty where the piece is too short to be told yet. */
  encode({ item, samples, sampleRate }: Pick<ReplySound, 'item' | 'samples' | 'sampleRate'>): string {
    const rest = item === this.#item && sampleRate !== this.#rate ? this.end(item) : ''
    if (item !== this.#item || sampleRate !== this.#rate) this.#begin(item, sampleRate)
    return rest + toBase64(this.#codec.encode(this.#resampler ? this.#resampler.push(samples) : samples))
  }

  /** The last millisecond of an item's sound. */
  end(item: string): string {
    const rest = item === this.#item ? this.#resampler?.end() : undefined
    this.#item = ''
    this.#resampler = undefined
    return rest && rest.length > 0 ? toBase64(this.#codec.encode(rest)) : ''
  }

  #begin(item: string, sampleRate: number): void {
    this.#item = item
    this.#rate = sampleRate
    const { sampleRate: wanted } = this.#codec
    this.#resampler = sampleRate === wanted ? undefined : new Resampler(sampleRate, wanted)
  }
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')
}
