import { Application, createEncoder, type OpusEncoderHandle } from 'libopus-wasm'
import { OpusDecoder as WasmDecoder } from 'opus-decoder'
import { EngineError } from '../errors.ts'
import type { SoundDecoder, SoundEncoder } from './codec.ts'
import { opusPacketMs } from './opus-packet.ts'

/** Samples a second on both sides of the codec: one of Opus's own rates, and that of the Realtime protocol. */
export const opusRate = 24_000
/** 20 ms, the usual for speech. */
const frameSamples = opusRate / 50
/** Speech in full quality (RFC 7587, 3.1.1: 16 to 20 kbit/s for wideband, 28 to 40 for all that can be heard). */
const bitrate = 32_000
/** Of 0 to 10: speech gains nothing audible above it, and a packet costs a third of what it costs at 10. */
const complexity = 5
/** What the decoder has room for: the longest packet, of 120 ms, at 256 kbit/s. */
const maxPacketBytes = 3840

/** Opus packets as a browser's encoder or a call sends them, decoded to mono. Each call of `push` takes one whole packet. */
export class OpusDecoder implements SoundDecoder {
  readonly sampleRate = opusRate
  readonly #decoder: WasmDecoder<typeof opusRate>
  #isFreed = false

  private constructor(decoder: WasmDecoder<typeof opusRate>) {
    this.#decoder = decoder
  }

  static async open(): Promise<OpusDecoder> {
    const decoder = new WasmDecoder({ sampleRate: opusRate, channels: 1 })
    await decoder.ready
    return new OpusDecoder(decoder)
  }

  /** Throws `invalid` for what is no packet by RFC 6716, 3.4, or above 3,840 bytes; the decoder goes on with the next one. */
  push(packet: Uint8Array): Int16Array {
    if (packet.length > maxPacketBytes) throw tooLong(packet)
    // The decoder itself takes junk for sound.
    const ms = opusPacketMs(packet)
    if (ms === undefined) throw notOpus(packet)
    const { channelData, errors } = this.#decoder.decodeFrame(packet)
    const [samples = new Float32Array(0)] = channelData
    if (errors.length > 0 || samples.length === 0) throw notOpus(packet)
    return Int16Array.from(samples, (sample) => Math.max(-32_768, Math.min(32_767, Math.round(sample * 32_768))))
  }

  [Symbol.dispose](): void {
    if (!this.#isFreed) this.#decoder.free()
    this.#isFreed = true
  }
}

function tooLong({ length }: Uint8Array): EngineError {
  return new EngineError(
    'invalid',
    `Expected one Opus packet of at most ${maxPacketBytes} bytes a message, received ${length}`,
  )
}

function notOpus({ length }: Uint8Array): EngineError {
  const received = `received ${length} bytes that are none`
  return new EngineError('invalid', `Expected one Opus packet a message, without Ogg around it, ${received}`)
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
