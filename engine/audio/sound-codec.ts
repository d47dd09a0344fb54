import { bytesOf } from './bytes-of.ts'
import type { SoundDecoder, SoundEncoder } from './codec.ts'
import { decodeALaw, decodeMuLaw, encodeALaw, encodeMuLaw } from './g711.ts'
import { OpusDecoder, OpusEncoder } from './opus.ts'
import { Resampler } from './resampler.ts'

/** How mono sound travels in pieces, by the names of the Realtime protocol; `audio/opus` is our own extension. */
export const streamFormats = ['audio/pcm', 'audio/pcmu', 'audio/pcma', 'audio/opus'] as const
export type StreamFormat = (typeof streamFormats)[number]

/** Samples a second of `audio/pcm`, which is signed 16 bit little endian, and of G.711. */
const [pcmRate, g711Rate] = [24_000, 8000]

/** A decoder of the format. Rejects only when WebAssembly cannot be had. */
export async function openSoundDecoder(format: StreamFormat): Promise<SoundDecoder> {
  if (format === 'audio/opus') return OpusDecoder.open()
  if (format === 'audio/pcm') return new PcmDecoder()
  const decode = format === 'audio/pcmu' ? decodeMuLaw : decodeALaw
  return { sampleRate: g711Rate, push: decode, [Symbol.dispose]: () => undefined }
}

/** An encoder of the format for sound of this rate, which it converts; without one, for sound of the format's own rate. */
export async function openSoundEncoder(format: StreamFormat, sampleRate?: number): Promise<SoundEncoder> {
  const encoder = await openPlainEncoder(format)
  const isOwnRate = sampleRate === undefined || sampleRate === encoder.sampleRate
  return isOwnRate ? encoder : new ResampledEncoder(encoder, sampleRate)
}

async function openPlainEncoder(format: StreamFormat): Promise<SoundEncoder> {
  if (format === 'audio/opus') return OpusEncoder.open()
  if (format === 'audio/pcm') return sampleWise(pcmRate, (samples) => bytesOf(samples.slice()))
  return sampleWise(g711Rate, format === 'audio/pcmu' ? encodeMuLaw : encodeALaw)
}

/** For formats in which each sample stands for itself. */
function sampleWise(sampleRate: number, encode: (samples: Int16Array) => Uint8Array): SoundEncoder {
  const push = (samples: Int16Array) => (samples.length === 0 ? [] : [encode(samples)])
  return { sampleRate, push, end: () => [], [Symbol.dispose]: () => undefined }
}

/** Bytes may be cut anywhere, also within a sample. */
class PcmDecoder implements SoundDecoder {
  readonly sampleRate = pcmRate
  #odd: Uint8Array = new Uint8Array(0)

  push(bytes: Uint8Array): Int16Array {
    const joined = new Uint8Array(this.#odd.length + bytes.length)
    joined.set(this.#odd)
    joined.set(bytes, this.#odd.length)
    const whole = joined.length - (joined.length % 2)
    this.#odd = joined.slice(whole)
    // Every machine that we run on is little endian.
    return new Int16Array(joined.buffer, 0, whole / 2)
  }

  [Symbol.dispose](): void {
    this.#odd = new Uint8Array(0)
  }
}

class ResampledEncoder implements SoundEncoder {
  readonly sampleRate: number
  readonly #encoder: SoundEncoder
  #resampler: Resampler

  constructor(encoder: SoundEncoder, sampleRate: number) {
    this.sampleRate = sampleRate
    this.#encoder = encoder
    this.#resampler = new Resampler(sampleRate, encoder.sampleRate)
  }

  push(samples: Int16Array): Uint8Array[] {
    return this.#encoder.push(this.#resampler.push(samples))
  }

  end(): Uint8Array[] {
    const rest = this.#encoder.push(this.#resampler.end())
    this.#resampler = new Resampler(this.sampleRate, this.#encoder.sampleRate)
    return [...rest, ...this.#encoder.end()]
  }

  [Symbol.dispose](): void {
    this.#encoder[Symbol.dispose]()
  }
}
