import { speechRate } from '../inference/speech.ts'

/** Sound that has come and may still be needed: 16 kHz mono, each sample with its place since the session began. */
export class SoundBuffer {
  #parts: Int16Array[] = []
  #start = 0
  #end = 0

  /** The place of the first sample that is kept, and of the next one to come. */
  get start(): number {
    return this.#start
  }

  get end(): number {
    return this.#end
  }

  /** The samples are the buffer's. */
  append(samples: Int16Array): void {
    if (samples.length === 0) return
    this.#parts.push(samples)
    this.#end += samples.length
  }

  /** Lets go of whole pieces before this place. */
  forgetBefore(place: number): void {
    let count = 0
    for (const part of this.#parts) {
      if (this.#start + part.length > place) break
      this.#start += part.length
      count++
    }
    if (count > 0) this.#parts.splice(0, count)
  }

  /** Up to `count` samples from `from` on, as numbers from −1 to 1; what is not kept any more is left out. */
  read(from: number, count: number): Float32Array {
    const first = Math.max(from, this.#start)
    const out = new Float32Array(Math.max(0, Math.min(from + count, this.#end) - first))
    let at = this.#start
    for (const part of this.#parts) {
      copy(part, at - first, out)
      at += part.length
      if (at >= first + out.length) break
    }
    return out
  }
}

function copy(part: Int16Array, offset: number, out: Float32Array): void {
  const end = Math.min(part.length, out.length - offset)
  for (let i = Math.max(0, -offset); i < end; i++) out[offset + i] = (part[i] as number) / 32_768
}

/** The place of a sample by its time; milliseconds of input sound. */
export function placeOf(ms: number): number {
  return Math.round((ms * speechRate) / 1000)
}

export function msOf(place: number): number {
  return (place * 1000) / speechRate
}
