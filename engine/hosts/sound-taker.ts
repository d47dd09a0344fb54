import { EngineError } from '../errors.ts'
import { type GdpBuffer, parseCaps, readGdp } from './gdp.ts'
import type { CapturedSound, SoundParams } from './protocol.ts'

/** Who is told of pieces of sound, and of those that nobody had asked for. */
export interface SoundListener {
  sound(sound: CapturedSound): void
  skipped(count: number): void
}

/** Makes pieces of sound of what a pipeline gives, as many as the engine asks for. */
export class SoundTaker {
  readonly #whenFull: SoundParams['whenFull']
  readonly #listener: SoundListener
  #wanted = 0
  #described: { readonly description: Buffer; readonly sampleRate: number; readonly channels: number } | undefined

  constructor({ whenFull }: Pick<SoundParams, 'whenFull'>, listener: SoundListener) {
    this.#whenFull = whenFull
    this.#listener = listener
  }

  /** So many more pieces may come. */
  more(pieces: number): void {
    this.#wanted += pieces
  }

  /** Whether a piece may be pulled. */
  ready(): boolean {
    return this.#whenFull === 'skip' || this.#wanted > 0
  }

  /** Bytes as `gdppay` wrote them, and the packets that describe them. Throws `invalid` for what is no 16-bit sound. */
  take(bytes: Buffer, headers: readonly Buffer[]): void {
    const arrivedAt = process.hrtime.bigint()
    for (const part of readGdp(bytes)) if (part.type === 'buffer') this.#tell(part, headers, arrivedAt)
  }

  #tell({ payload, stamp }: GdpBuffer, headers: readonly Buffer[], arrivedAt: bigint): void {
    if (this.#wanted === 0) {
      this.#listener.skipped(1)
      return
    }
    this.#wanted--
    const { sampleRate, channels } = this.#formatOf(headers)
    // Copied: a view may begin at an odd byte, and its memory is the pipeline's buffer.
    const samples = new Int16Array(new Uint8Array(payload.subarray(0, payload.length & ~1)).buffer)
    this.#listener.sound({ samples, sampleRate, channels, stamp, arrivedAt })
  }

  #formatOf(headers: readonly Buffer[]): { readonly sampleRate: number; readonly channels: number } {
    const description = Buffer.concat(headers)
    if (this.#described?.description.equals(description)) return this.#described
    const caps = readGdp(description).find((part) => part.type === 'caps')
    if (!caps) throw new EngineError('invalid', 'Expected caps in the headers of a buffer, found none')
    this.#described = { description, ...readFormat(caps.caps) }
    return this.#described
  }
}

function readFormat(caps: string): { readonly sampleRate: number; readonly channels: number } {
  const { media, fields } = parseCaps(caps)
  const [sampleRate, channels] = [Number(fields.get('rate')), Number(fields.get('channels'))]
  if (media !== 'audio/x-raw' || fields.get('format') !== 'S16LE' || !(sampleRate > 0 && channels > 0))
    throw new EngineError('invalid', `Expected interleaved sound in S16LE, received ${caps}`)
  return { sampleRate, channels }
}
