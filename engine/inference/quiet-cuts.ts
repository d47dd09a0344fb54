import { speechRate } from './speech.ts'

/** A stretch of audio: samples from `start` up to, and without, `end`. */
export interface AudioWindow {
  readonly start: number
  readonly end: number
}

/** Whisper on the Hailo device hears 10 s at once; a cut shortly after the last one would make windows of single words. */
const longest = 10 * speechRate
const shortest = 3 * speechRate
/** Loudness is looked at in steps of 20 ms, and a pause between words is about ten of them. */
const step = speechRate / 50
const pauseSteps = 10
/** Mean square below which nobody speaks: −60 dB of full scale. Whisper makes up words for silence. */
const silence = 1e-6

/** Cuts audio into windows of at most 10 s, each at the quietest pause that lies from 3 to 10 s after the last cut. What is silent from end to end is left out. */
export function* quietWindows(samples: Float32Array): Generator<AudioWindow, void, undefined> {
  for (let start = 0; start < samples.length; ) {
    const end = samples.length - start <= longest ? samples.length : findCut(samples, start)
    if (!isSilent(samples, start, end)) yield { start, end }
    start = end
  }
}

/** In the middle of the quietest pause; of several alike the last one. */
function findCut(samples: Float32Array, start: number): number {
  const first = start + shortest
  const energies = energiesOf(samples, first, start + longest)
  let best = { at: 0, sum: Number.POSITIVE_INFINITY }
  for (let at = 0; at + pauseSteps <= energies.length; at++) {
    const sum = energies.slice(at, at + pauseSteps).reduce((total, energy) => total + energy, 0)
    if (sum <= best.sum) best = { at, sum }
  }
  return first + (best.at + pauseSteps / 2) * step
}

function isSilent(samples: Float32Array, start: number, end: number): boolean {
  return energiesOf(samples, start, end).every((energy) => energy < silence)
}

/** Mean square of each step; the last one may be shorter. */
function energiesOf(samples: Float32Array, start: number, end: number): number[] {
  const energies: number[] = []
  for (let at = start; at < end; at += step) {
    const part = samples.subarray(at, Math.min(at + step, end))
    energies.push(part.reduce((sum, sample) => sum + sample * sample, 0) / part.length)
  }
  return energies
}
