import { bytesOf } from './bytes-of.ts'
import { runFfmpeg } from './ffmpeg.ts'
import { Resampler } from './resampler.ts'
import { wavHeader } from './wav.ts'

/** Mono sound on its way, signed 16 bit. */
export interface SoundStream {
  /** Samples a second. */
  readonly sampleRate: number
  readonly chunks: AsyncIterable<Int16Array>
}

/** What sound is encoded as. */
export const soundFormats = ['mp3', 'opus', 'aac', 'flac', 'wav', 'pcm'] as const
export type SoundFormat = (typeof soundFormats)[number]

/** Media types of the formats; Opus comes in Ogg, AAC as ADTS, PCM as signed 16 bit little endian of `pcmRate`. */
export const soundTypes: Readonly<Record<SoundFormat, string>> = {
  mp3: 'audio/mpeg',
  opus: 'audio/opus',
  aac: 'audio/aac',
  flac: 'audio/flac',
  wav: 'audio/wav',
  pcm: 'audio/pcm',
}

/** Samples a second of the format `pcm`, which has no head to tell them: OpenAI's. */
export const pcmRate = 24_000

/** An hour of speech comes no faster than it is made. */
const deadlineMs = 3_600_000

type Compressed = Exclude<SoundFormat, 'wav' | 'pcm'>

/** Without what ffmpeg could only write once it knows the end. */
const encoders: Readonly<Record<Compressed, readonly string[]>> = {
  mp3: ['-c:a', 'libmp3lame', '-b:a', '64k', '-write_xing', '0', '-id3v2_version', '0', '-f', 'mp3'],
  opus: ['-c:a', 'libopus', '-b:a', '32k', '-application', 'voip', '-page_duration', '100000', '-f', 'ogg'],
  aac: ['-c:a', 'aac', '-b:a', '64k', '-f', 'adts'],
  flac: ['-c:a', 'flac', '-f', 'flac'],
}

/**
 * The sound as a file of this format, from its first samples on: the first bytes come before the last samples. Leaving the loop
 * leaves the sound's. `wav` keeps the sound's rate, and its head tells no length. Throws what the sound throws, `unavailable` without ffmpeg
 * (`wav` and `pcm` need none), or the signal's reason.
 */
export function encodeSound(sound: SoundStream, format: SoundFormat, signal: AbortSignal): AsyncIterable<Uint8Array> {
  if (format === 'wav') return encodeWav(sound)
  if (format === 'pcm') return encodePcm(sound)
  const args = [
    ...['-probesize', '32', '-analyzeduration', '0', '-f', 's16le', '-ar', String(sound.sampleRate), '-ac', '1'],
    ...['-i', 'pipe:0', ...encoders[format], '-flush_packets', '1', 'pipe:1'],
  ]
  const input = toBytes(sound.chunks)
  return runFfmpeg({ args, input, deadlineMs, purpose: `encode the speech as ${format}` }, signal)
}

async function* encodeWav({ sampleRate, chunks }: SoundStream): AsyncGenerator<Uint8Array, void, void> {
  let begun = false
  for await (const chunk of toBytes(chunks)) {
    // Not before the first sound: until then a failure can still be told.
    if (!begun) yield wavHeader(sampleRate, null)
    begun = true
    yield chunk
  }
  if (!begun) yield wavHeader(sampleRate, null)
}

async function* encodePcm({ sampleRate, chunks }: SoundStream): AsyncGenerator<Uint8Array, void, void> {
  if (sampleRate === pcmRate) return yield* toBytes(chunks)
  const resampler = new Resampler(sampleRate, pcmRate)
  for await (const chunk of chunks) yield bytesOf(resampler.push(chunk))
  yield bytesOf(resampler.end())
}

async function* toBytes(chunks: AsyncIterable<Int16Array>): AsyncGenerator<Uint8Array, void, void> {
  for await (const chunk of chunks) yield bytesOf(chunk)
}

/** The whole sound as a WAV file with its length. */
export async function toWavFile({ sampleRate, chunks }: SoundStream): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const chunk of chunks) parts.push(bytesOf(chunk))
  const bytes = parts.reduce((sum, { length }) => sum + length, 0)
  return Buffer.concat([wavHeader(sampleRate, bytes), ...parts])
}
