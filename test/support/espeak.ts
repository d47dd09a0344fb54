import { execFileSync } from 'node:child_process'
import { Resampler } from '../../engine/audio/resampler.ts'
import { speechRate } from '../../engine/inference/speech.ts'

/** What espeak-ng says: 16 kHz mono. */
export function sayByEspeak(text: string): Int16Array {
  const wav = execFileSync('espeak-ng', ['-v', 'en-us', '-s', '140', '-a', '30', '--stdout', text])
  const samples = new Int16Array(wav.buffer.slice(wav.byteOffset + 44, wav.byteOffset + wav.length - (wav.length % 2)))
  const resampler = new Resampler(22_050, speechRate)
  return joinSound(resampler.push(samples), resampler.end())
}

export function joinSound(...parts: Int16Array[]): Int16Array {
  return Int16Array.from(parts.flatMap((part) => [...part]))
}

/** At 16 kHz. */
export function silence(seconds: number): Int16Array {
  return new Int16Array(seconds * speechRate)
}
