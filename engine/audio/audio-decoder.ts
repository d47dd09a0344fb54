import { setImmediate as nextTurn } from 'node:timers/promises'
import { EngineError } from '../errors.ts'
import { inheritedFile, runFfmpeg } from './ffmpeg.ts'
import { Turns } from './turns.ts'

/** Samples a second of decoded audio, which is mono. */
export const decodedRate = 16_000

/** What is decoded at once, and how long it may be. */
export interface AudioDecoderLimits {
  /** Of one audio. */
  readonly maxSeconds: number
  /** Bytes of all decoded audio that is not released. */
  readonly maxHeldBytes: number
  readonly runningAtOnce: number
  readonly maxWaiting: number
  readonly deadlineMs: number
}

const defaultLimits: AudioDecoderLimits = {
  maxSeconds: 3600,
  // Two hours, at 4 bytes a sample.
  maxHeldBytes: 2 * 3600 * decodedRate * 4,
  runningAtOnce: 2,
  maxWaiting: 64,
  deadlineMs: 120_000,
}

/** Audio of one channel at 16 kHz, −1 to 1. Whoever asked for it releases it, once it is not read any more. */
export interface DecodedAudio {
  readonly samples: Float32Array
  readonly seconds: number
  /** May be called twice. */
  release(): void
}

/** Containers that are taken apart. What is not here (playlists above all) could name files and addresses of its own. */
const containers = [
  'wav',
  'w64',
  'mp3',
  'mov',
  'flac',
  'ogg',
  'matroska',
  'aac',
  'aiff',
  'caf',
  'amr',
  'mpeg',
  'mpegts',
]
const bytesPerSample = 4
/** Copied at a time, between two turns of the event loop. */
const copiedBytes = 4_194_304

/** Decodes the audio of any usual container (wav, mp3, m4a, mp4, flac, ogg, webm …) by ffmpeg. */
export class AudioDecoder {
  readonly #limits: AudioDecoderLimits
  readonly #turns: Turns
  #heldBytes = 0

  constructor(limits: Partial<AudioDecoderLimits> = {}) {
    this.#limits = { ...defaultLimits, ...limits }
    this.#turns = new Turns(this.#limits.runningAtOnce, this.#limits.maxWaiting)
  }

  /** Bytes of decoded audio that is not released. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /**
   * The first audio track of an open file, which stays the caller's. Rejects with `invalid` for what is no audio, `too-large` when it
   * is too long, `busy` when too much is held or waits, `timeout`, `unavailable` without ffmpeg, or the signal's reason.
   */
  async decode(fd: number, signal: AbortSignal): Promise<DecodedAudio> {
    const endTurn = await this.#turns.take(signal)
    const held = { bytes: 0 }
    const release = () => {
      this.#heldBytes -= held.bytes
      held.bytes = 0
    }
    try {
      const samples = await this.#collect(fd, held, signal)
      return { samples, seconds: samples.length / decodedRate, release }
    } catch (error) {
      release()
      throw error
    } finally {
      endTurn()
    }
  }

  async #collect(fd: number, held: { bytes: number }, signal: AbortSignal): Promise<Float32Array> {
    const { deadlineMs, maxSeconds } = this.#limits
    const chunks: Buffer[] = []
    const run = { args: decoding(maxSeconds), input: { fd }, deadlineMs, purpose: 'decode the audio' }
    for await (const chunk of runFfmpeg(run, signal)) {
      this.#hold(chunk.length, held)
      chunks.push(chunk)
    }
    if (held.bytes < bytesPerSample) throw new EngineError('invalid', 'Expected audio, received a file without sound')
    return join(chunks, held.bytes)
  }

  #hold(bytes: number, held: { bytes: number }): void {
    const { maxHeldBytes, maxSeconds } = this.#limits
    held.bytes += bytes
    this.#heldBytes += bytes
    if (held.bytes > maxSeconds * decodedRate * bytesPerSample)
      throw new EngineError('too-large', `Expected audio of at most ${maxSeconds} s, received more. Send it in parts`)
    if (this.#heldBytes > maxHeldBytes)
      throw new EngineError('busy', 'Too much audio is being recognised at once. Try again later')
  }
}

function decoding(maxSeconds: number): string[] {
  return [
    ...['-protocol_whitelist', 'file', '-format_whitelist', containers.join(','), '-i', inheritedFile],
    ...['-map', '0:a:0', '-ac', '1', '-ar', String(decodedRate), '-t', String(maxSeconds + 1)],
    ...['-f', 'f32le', 'pipe:1'],
  ]
}

/** In steps, so that an hour of sound does not hold up the event loop. */
async function join(chunks: Buffer[], bytes: number): Promise<Float32Array> {
  const whole = new Uint8Array(bytes - (bytes % bytesPerSample))
  let at = 0
  let sincePause = 0
  for (const chunk of chunks) {
    whole.set(chunk.subarray(0, whole.length - at), at)
    at += chunk.length
    sincePause += chunk.length
    if (sincePause < copiedBytes) continue
    sincePause = 0
    await nextTurn()
  }
  return new Float32Array(whole.buffer)
}
