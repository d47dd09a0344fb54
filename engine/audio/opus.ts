import {
  Application,
  createDecoder,
  createEncoder,
  isOpusError,
  type OpusDecoderHandle,
  type OpusEncoderHandle,
} from 'libopus-wasm'
import { EngineError } from '../errors.ts'
import type { SoundDecoder, SoundEncoder } from './sound-codec.ts'

/** Samples a second on both sides of the codec: one of Opus's own rates, and that of the Realtime protocol. */
export const opusRate = 24_000
/** 20 ms, the usual for speech. */
const frameSamples = opusRate / 50
/** Speech in full quality (RFC 7587, 3.1.1: 16 to 20 kbit/s for wideband, 28 to 40 for all that can be heard). */
const bitrate = 32_000
/** Of 0 to 10: speech gains nothing audible above it, and a packet costs a third of what it costs at 10. */
const complexity = 5
/** RFC 6716, 3.2.1 and 3.4: 120 ms in at most 48 frames of 1,275 bytes; what talks to us sends far less. */
const maxPacketBytes = 8192

/** Opus packets as a browser's encoder or a call sends them, decoded to mono. Each call of `push` takes one whole packet. */
export class OpusDecoder implements SoundDecoder {
  readonly sampleRate = opusRate
  readonly #decoder: OpusDecoderHandle

  private constructor(decoder: OpusDecoderHandle) {
    this.#decoder = decoder
  }

  static async open(): Promise<OpusDecoder> {
    return new OpusDecoder(await createDecoder({ sampleRate: opusRate, channels: 1 }))
  }

  /** Throws `invalid` for what is no packet by RFC 6716, 3.4; the decoder goes on with the next one. */
  push(packet: Uint8Array): Int16Array {
    if (packet.length === 0 || packet.length > maxPacketBytes)
      throw new EngineError(
        'invalid',
        `Expected an Opus packet of 1 to ${maxPacketBytes} bytes, received ${packet.length}`,
      )
    try {
      return this.#decoder.decode(packet)
    } catch (error) {
      if (!isOpusError(error)) throw error
      const message = `Expected one Opus packet a message, without Ogg around it, received ${packet.length} bytes that are none`
      throw new EngineError('invalid', message, { cause: error })
    }
  }

  [Symbol.dispose](): void {
    this.#decoder.free()
  }
}

/** Mono sound as Opus packets of 20 ms. */
export class OpusEncoder implements SoundEncoder {
  readonly sampleRate = opusRate
  readonly #encoder: OpusEncoderHandle
  #kept = new Int16Array(0)

  private constructor(encoder: OpusEncoderHandle) {
    this.#encoder = encoder
  }

  static async open(): Promise<OpusEncoder> {
    const options = { sampleRate: opusRate, channels: 1, application: Application.Voip, bitrate, complexity } as const
    return new OpusEncoder(await createEncoder({ ...options, frameSize: frameSamples }))
  }

  push(samples: Int16Array): Uint8Array[] {
    const joined = new Int16Array(this.#kept.length + samples.length)
    joined.set(this.#kept)
    joined.set(samples, this.#kept.length)
    const count = Math.floor(joined.length / frameSamples)
    this.#kept = joined.slice(count * frameSamples)
    return Array.from({ length: count }, (_, i) =>
      this.#encoder.encode(joined.subarray(i * frameSamples, (i + 1) * frameSamples)),
    )
  }

  /** The rest, filled with silence to a whole packet. */
  end(): Uint8Array[] {
    const missing = (frameSamples - (this.#kept.length % frameSamples)) % frameSamples
    return this.push(new Int16Array(missing))
  }

  [Symbol.dispose](): void {
    this.#encoder.free()
  }
}
