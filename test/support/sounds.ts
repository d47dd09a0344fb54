import { execFile } from 'node:child_process'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { wavHeader } from '../../engine/audio/wav.ts'

const execute = promisify(execFile)

/** A WAV file of mono samples. */
export function wavOf(samples: Int16Array, sampleRate: number): Buffer {
  const bytes = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength)
  return Buffer.concat([wavHeader(sampleRate, bytes.length), bytes])
}

/** The containers that clients send, and how ffmpeg makes each. */
export const containers = {
  wav: ['-c:a', 'pcm_s16le'],
  mp3: ['-c:a', 'libmp3lame'],
  m4a: ['-c:a', 'aac', '-f', 'ipod'],
  mp4: ['-c:a', 'aac', '-f', 'mp4'],
  flac: ['-c:a', 'flac'],
  ogg: ['-c:a', 'libvorbis'],
  opus: ['-c:a', 'libopus'],
  webm: ['-c:a', 'libopus', '-f', 'webm'],
} as const

/** Another container, stereo at 44.1 kHz or what the codec has, made by ffmpeg. */
export async function convertSound(file: string, container: keyof typeof containers, folder: string): Promise<string> {
  const made = join(folder, `made.${container}`)
  await execute('ffmpeg', ['-y', '-loglevel', 'error', '-i', file, '-ac', '2', ...containers[container], made])
  return made
}

/** What any player would hear: mono float at the rate, decoded by ffmpeg out of bytes. */
export async function decodeSound(
  bytes: Uint8Array,
  rate: number,
  input: readonly string[] = [],
): Promise<Float32Array> {
  const args = [
    '-loglevel',
    'error',
    ...input,
    '-i',
    'pipe:0',
    '-ac',
    '1',
    '-ar',
    String(rate),
    '-f',
    'f32le',
    'pipe:1',
  ]
  const running = execute('ffmpeg', args, { encoding: 'buffer', maxBuffer: 100_000_000 })
  running.child.stdin?.end(bytes)
  const { stdout } = await running
  return new Float32Array(new Uint8Array(stdout).buffer)
}

/** Where the louder one of two sounds of one rate lies in the other, by cross-correlation: samples later, and how alike they are (1: the same). */
export function compareSounds(a: Float32Array, b: Float32Array, maxShift: number): { shift: number; likeness: number } {
  let best = { shift: 0, likeness: -1 }
  for (let shift = -maxShift; shift <= maxShift; shift += 4) {
    const likeness = likenessAt(a, b, shift)
    if (likeness > best.likeness) best = { shift, likeness }
  }
  return best
}

function likenessAt(a: Float32Array, b: Float32Array, shift: number): number {
  let [dot, squareA, squareB] = [0, 0, 0]
  for (let i = Math.max(0, -shift); i < Math.min(a.length, b.length - shift); i += 3) {
    const [x, y] = [a[i] ?? 0, b[i + shift] ?? 0]
    dot += x * y
    squareA += x * x
    squareB += y * y
  }
  return dot / Math.sqrt(squareA * squareB || 1)
}

/** The strongest frequency among the candidates, by their energy (Goertzel). Hertz. */
export function loudest(samples: Float32Array, rate: number, candidates: readonly number[]): number | undefined {
  const energies = candidates.map((hertz) => [energyAt(samples, rate, hertz), hertz] as const)
  return energies.sort(([a], [b]) => b - a)[0]?.[1]
}

function energyAt(samples: Float32Array, rate: number, hertz: number): number {
  let [real, imaginary] = [0, 0]
  for (const [i, sample] of samples.entries()) {
    real += sample * Math.cos((2 * Math.PI * hertz * i) / rate)
    imaginary += sample * Math.sin((2 * Math.PI * hertz * i) / rate)
  }
  return real * real + imaginary * imaginary
}

/** Opens a file for as long as `use` takes. */
export async function withFile<T>(path: string, use: (fd: number) => Promise<T>): Promise<T> {
  const file = await open(path)
  try {
    return await use(file.fd)
  } finally {
    await file.close()
  }
}
