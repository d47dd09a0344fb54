import { decodeALaw, decodeMuLaw, encodeALaw, encodeMuLaw } from '../../audio/g711.ts'

/** Turns sound into a format's bytes and back. Keeps what was cut within a sample; one per direction and session. */
export interface SoundCodec {
  /** Samples a second, both ways. */
  readonly sampleRate: number
  decode(bytes: Uint8Array): Int16Array
  encode(samples: Int16Array): Uint8Array
}

/** Samples a second of telephones. */
const g711Rate = 8000

const codecs = {
  'audio/pcm': (): SoundCodec => new Pcm16(24_000),
  'audio/pcmu': (): SoundCodec => ({ sampleRate: g711Rate, decode: decodeMuLaw, encode: encodeMuLaw }),
  'audio/pcma': (): SoundCodec => ({ sampleRate: g711Rate, decode: decodeALaw, encode: encodeALaw }),
}

/** A format of the protocol that is spoken here, by its GA name. */
export type SoundFormatName = keyof typeof codecs

export const soundFormatNames = Object.keys(codecs) as SoundFormatName[]

export function createCodec(name: SoundFormatName): SoundCodec {
  return codecs[name]()
}

/** Signed 16 bit, little endian, mono. A client may cut its messages anywhere: an odd byte waits for its other half. */
class Pcm16 implements SoundCodec {
  readonly sampleRate: number
  #half: number | undefined

  constructor(sampleRate: number) {
    this.sampleRate = sampleRate
  }

  decode(bytes: Uint8Array): Int16Array {
    const lead = this.#half === undefined ? 0 : 1
    const whole = new Uint8Array(bytes.length + lead)
    if (this.#half !== undefined) whole[0] = this.#half
    whole.set(bytes, lead)
    this.#half = whole.length % 2 === 0 ? undefined : whole[whole.length - 1]
    const view = new DataView(whole.buffer)
    return Int16Array.from({ length: whole.length >> 1 }, (_, i) => view.getInt16(2 * i, true))
  }

  encode(samples: Int16Array): Uint8Array {
    const view = new DataView(new ArrayBuffer(2 * samples.length))
    for (const [i, sample] of samples.entries()) view.setInt16(2 * i, sample, true)
    return new Uint8Array(view.buffer)
  }
}
