import { Resampler } from '../audio/resampler.ts'
import { speechRate } from '../inference/speech.ts'
import type { SoundFormat } from './requests.ts'

/** Sound of any format as recognisers take it: mono, 16 kHz, −1 to 1. A sample may lie over two pieces. */
export class PcmReader {
  readonly #format: SoundFormat
  readonly #resampler: Resampler | undefined
  #rest = Buffer.alloc(0)

  constructor(format: SoundFormat) {
    this.#format = format
    this.#resampler = format.rate === speechRate ? undefined : new Resampler(format.rate, speechRate)
  }

  /** Whether a piece is of the same format. */
  fits({ rate, width, channels }: SoundFormat): boolean {
    return rate === this.#format.rate && width === this.#format.width && channels === this.#format.channels
  }

  push(bytes: Buffer): Float32Array {
    const { width, channels } = this.#format
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    const frames = Math.floor(all.length / (width * channels))
    this.#rest = Buffer.from(all.subarray(frames * width * channels))
    const mono = toMono(all, frames, this.#format)
    return toFloats(this.#resampler?.push(mono) ?? mono)
  }

  /** What the resampler still holds. */
  end(): Float32Array {
    return toFloats(this.#resampler?.end() ?? new Int16Array(0))
  }
}

function toMono(bytes: Buffer, frames: number, { width, channels }: SoundFormat): Int16Array {
  const mono = new Int16Array(frames)
  const shift = 2 ** (8 * width - 16)
  for (let i = 0; i < frames; i++) {
    let sum = 0
    for (let channel = 0; channel < channels; channel++)
      sum += bytes.readIntLE((i * channels + channel) * width, width) / shift
    mono[i] = Math.max(-32_768, Math.min(32_767, Math.round(sum / channels)))
  }
  return mono
}

function toFloats(samples: Int16Array): Float32Array {
  return Float32Array.from(samples, (value) => value / 32_768)
}
