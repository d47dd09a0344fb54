import { writeFile } from 'node:fs/promises'
import { wavHeader } from '../../engine/audio/wav.ts'
import { tone } from './scripted-speech.ts'

const sampleRate = 48_000

/** A WAV file with a tone, as a fake microphone plays it. */
export async function writeTone(file: string, hertz: number, seconds: number): Promise<void> {
  const samples = tone(hertz, sampleRate, seconds)
  await writeFile(file, Buffer.concat([wavHeader(sampleRate, samples.byteLength), Buffer.from(samples.buffer)]))
}
