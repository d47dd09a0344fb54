import { Resampler } from './resampler.ts'

/** Interleaved signed 16-bit samples, as packets carry them. */
export interface Sound {
  readonly samples: Int16Array
  readonly sampleRate: number
  readonly channels: number
}

/**
 * Sound of any format in the one that is wanted, piece after piece. Several channels become one by their mean; one becomes several by
 * repetition; what is left over is left out. A change of the format that comes in starts it anew.
 */
export class SoundFit {
  readonly #sampleRate: number
  readonly #channels: number
  #from = ''
  #resamplers: Resampler[] | undefined

  constructor({ sampleRate, channels }: Pick<Sound, 'sampleRate' | 'channels'>) {
    this.#sampleRate = sampleRate
    this.#channels = channels
  }

  /** Interleaved, in the wanted format; the samples that came in where they had it already. */
  push(sound: Sound): Int16Array {
    const { sampleRate, channels, samples } = sound
    this.#heed(sampleRate, channels)
    const resamplers = this.#resamplers
    if (!resamplers && channels === this.#channels) return samples
    const parts = split(sound, this.#channels)
    const fitted = resamplers ? parts.map((part, i) => (resamplers[i] as Resampler).push(part)) : parts
    return interleave(fitted)
  }

  #heed(sampleRate: number, channels: number): void {
    const from = `${sampleRate} ${channels}`
    if (from === this.#from) return
    this.#from = from
    const needs = sampleRate !== this.#sampleRate
    this.#resamplers = needs
      ? Array.from({ length: this.#channels }, () => new Resampler(sampleRate, this.#sampleRate))
      : undefined
  }
}

/** The sound of each wanted channel. */
function split(sound: Sound, wanted: number): Int16Array[] {
  if (wanted === 1 && sound.channels > 1) return [mixDown(sound)]
  return Array.from({ length: wanted }, (_, channel) => pick(sound, channel % sound.channels))
}

function mixDown({ samples, channels }: Sound): Int16Array {
  const mixed = new Int16Array(Math.floor(samples.length / channels))
  for (let i = 0; i < mixed.length; i++) {
    let sum = 0
    for (let channel = 0; channel < channels; channel++) sum += samples[i * channels + channel] as number
    mixed[i] = Math.round(sum / channels)
  }
  return mixed
}

function pick({ samples, channels }: Sound, channel: number): Int16Array {
  if (channels === 1) return samples
  const picked = new Int16Array(Math.floor(samples.length / channels))
  for (let i = 0; i < picked.length; i++) picked[i] = samples[i * channels + channel] as number
  return picked
}

function interleave(parts: readonly Int16Array[]): Int16Array {
  const [first] = parts
  if (parts.length === 1 && first) return first
  const all = new Int16Array((first?.length ?? 0) * parts.length)
  for (const [channel, part] of parts.entries())
    for (const [i, sample] of part.entries()) all[i * parts.length + channel] = sample
  return all
}
