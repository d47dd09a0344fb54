import type { ImageFormat, PixelFormat } from '../core/packet.ts'
import { EngineError } from '../errors.ts'
import { addon, type NativePool } from '../native/addon.ts'
import { type GdpBuffer, parseCaps, readGdp } from './gdp.ts'
import type { CapturedFrame, CaptureParams, SlotLoan } from './protocol.ts'
import { RecentPictures } from './recent-pictures.ts'

const pixelFormats: Readonly<Record<string, PixelFormat>> = { RGB: 'rgb', NV12: 'nv12', I420: 'i420' }

/** What the caps say about the buffers that follow. */
type Shape =
  | { readonly format: 'jpeg' }
  | { readonly format: PixelFormat; readonly width: number; readonly height: number; readonly bytes: number }

/** Who is told of filled slots and lost frames. */
export interface FillerListener {
  frame(frame: CapturedFrame): void
  skipped(count: number): void
}

/** Puts what a pipeline gives into the slots that the engine lends, and tells the frames in their order. */
export class SlotFiller {
  readonly #pool: NativePool
  readonly #params: CaptureParams
  readonly #listener: FillerListener
  readonly #free: SlotLoan[] = []
  #described: { readonly description: Buffer; readonly shape: Shape } | undefined
  #lastOffset: bigint | null = null
  /** Kept, not copied, to see whether the next one differs: in a live picture within the first bytes. */
  #lastPayload: Buffer | undefined
  /** What `#lastPayload` is part of. */
  #keptBytes: Buffer | undefined
  readonly #recent = new RecentPictures()
  /** Settles when all frames so far were told. */
  #told: Promise<void> = Promise.resolve()

  constructor(pool: NativePool, params: CaptureParams, listener: FillerListener) {
    this.#pool = pool
    this.#params = params
    this.#listener = listener
  }

  /** A slot to fill. */
  lend(loan: SlotLoan): void {
    this.#free.push(loan)
  }

  /** Whether a frame may come: with `wait` only when a slot is there. */
  ready(): boolean {
    return this.#params.whenFull === 'skip' || this.#free.length > 0
  }

  /**
   * Bytes as `gdppay` wrote them, and the packets that describe them: those in the stream may have been dropped. Throws when
   * frames do not fit a slot.
   */
  take(bytes: Buffer, headers: readonly Buffer[]): void {
    const arrivedAt = process.hrtime.bigint()
    for (const part of readGdp(bytes)) {
      if (part.type === 'buffer') this.#fill(part, this.#shapeOf(headers), arrivedAt)
    }
    this.#letGo(bytes)
  }

  /** Resolves when every frame taken so far was told. */
  flush(): Promise<void> {
    return this.#told
  }

  #fill(buffer: GdpBuffer, shape: Shape, arrivedAt: bigint): void {
    this.#countLost(buffer.offset)
    const loan = this.#free.shift()
    if (!loan) {
      this.#listener.skipped(1)
      return
    }
    const about = { ...loan, stamp: buffer.stamp, arrivedAt, unchanged: this.#cameBefore(buffer.payload) }
    if (shape.format === 'jpeg') this.#decode(loan, buffer.payload, about)
    else this.#copy(shape, buffer.payload, about)
  }

  #cameBefore(payload: Buffer): boolean {
    if (this.#params.again === 'recent') return this.#recent.saw(payload)
    const same = this.#lastPayload?.equals(payload) ?? false
    this.#lastPayload = payload
    return same
  }

  /** The memory of raw frames is freed at once, but for the one that the next is compared with. A JPEG is small, and may still be decoded. */
  #letGo(bytes: Buffer): void {
    if (this.#described === undefined || this.#described.shape.format === 'jpeg') return
    const isKept = this.#lastPayload?.buffer === bytes.buffer
    const done = isKept ? this.#keptBytes : bytes
    if (isKept) this.#keptBytes = bytes
    if (done !== undefined && done.length === done.buffer.byteLength) addon().discard(done)
  }

  #copy(shape: Exclude<Shape, { format: 'jpeg' }>, payload: Buffer, about: SlotLoan & AboutFrame): void {
    if (payload.length < shape.bytes)
      throw new EngineError('invalid', `Expected ${shape.bytes} bytes in a frame, received ${payload.length}`)
    this.#pool.write(about.slot, payload.subarray(0, shape.bytes), 0)
    this.#listener.frame({ ...about, ...shape })
  }

  #decode(loan: SlotLoan, payload: Buffer, about: SlotLoan & AboutFrame): void {
    const { format, maxWidth, maxHeight } = this.#params
    const decoding = addon()
      .decodeJpeg(this.#pool, payload, loan.slot, { format, maxWidth, maxHeight })
      .catch(() => undefined)
    this.#told = this.#told.then(async () => {
      const image = await decoding
      if (image) this.#tell(image, about)
      else this.#putBack(loan)
    })
  }

  #tell(image: { width: number; height: number; format: ImageFormat; bytes: number }, about: SlotLoan & AboutFrame) {
    const { width, height, format, bytes } = image
    this.#listener.frame({ ...about, width, height, format, bytes })
  }

  /** A broken picture is a lost frame: cameras send one now and then. */
  #putBack(loan: SlotLoan): void {
    this.#free.push(loan)
    this.#listener.skipped(1)
  }

  /** v4l2src and videotestsrc number their frames: a gap is what the kernel or the appsink dropped. */
  #countLost(offset: bigint | null): void {
    const lost = offset === null || this.#lastOffset === null ? 0n : offset - this.#lastOffset - 1n
    if (lost > 0n) this.#listener.skipped(Number(lost))
    this.#lastOffset = offset
  }

  #shapeOf(headers: readonly Buffer[]): Shape {
    const description = Buffer.concat(headers)
    if (this.#described?.description.equals(description)) return this.#described.shape
    const caps = readGdp(description).find((part) => part.type === 'caps')
    if (!caps) throw new EngineError('invalid', 'Expected caps in the headers of a buffer, found none')
    const shape = this.#readShape(caps.caps)
    this.#described = { description, shape }
    return shape
  }

  #readShape(caps: string): Shape {
    const { media, fields } = parseCaps(caps)
    if (media === 'image/jpeg') return { format: 'jpeg' }
    const format = pixelFormats[fields.get('format') ?? '']
    const width = Number(fields.get('width'))
    const height = Number(fields.get('height'))
    if (media !== 'video/x-raw' || !format || !(width > 0 && height > 0))
      throw new EngineError('invalid', `Expected raw video in RGB, NV12 or I420, or JPEG, received ${caps}`)
    const { bytes } = addon().imageLayout(format, width, height)
    if (width > this.#params.maxWidth || height > this.#params.maxHeight || bytes > this.#pool.slotBytes)
      throw new EngineError(
        'too-large',
        `Expected frames of at most ${this.#params.maxWidth}x${this.#params.maxHeight}, received ${width}x${height}`,
      )
    return { format, width, height, bytes }
  }
}

interface AboutFrame {
  readonly stamp: bigint | null
  readonly arrivedAt: bigint
  readonly unchanged: boolean
}
