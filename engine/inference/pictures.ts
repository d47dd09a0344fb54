import { setImmediate } from 'node:timers/promises'
import type { SlotLoan } from '../core/image-pool.ts'
import type { DetectedObject, PooledImage } from '../core/packet.ts'
import { EngineError } from '../errors.ts'
import type { Begun, ParamsOf, ResultOf } from '../hosts/channel.ts'
import type { Host, SharedPool } from '../hosts/host.ts'
import type { VisionProtocol } from '../hosts/protocol.ts'
import { drawObjects } from './annotation.ts'
import { picturesDevice } from './devices.ts'
import { toSlotImage } from './onnx.ts'
import { scaleObjects } from './scale-objects.ts'
import type { Scheduler } from './scheduler.ts'
import { unlessAborted } from './unless-aborted.ts'
import type { DecodedPicture, Priority } from './vision.ts'

/** Of one picture in the host: above what the host allows itself for decoding. */
const deadlineMs = 15_000
const queueDeadlineMs = 10_000
const slotsDeadlineMs = 5_000
/** The slots that sources leave to requests: a picture of more bytes could wait for ever. */
const maxSlots = 4
/** A copy of so many bytes keeps the event loop for about a third of a millisecond. */
const chunkBytes = 1 << 20
/** The engine's own name in the ledger: it ends the loans itself, when the host has answered or was reaped. */
const borrower = 'pictures'

type Method = 'decodePicture' | 'encodePicture' | 'drawPicture'

interface Job<M extends Method> {
  readonly method: M
  readonly priority: Priority
  /** An image that the host reads, borrowed. */
  readonly reads?: PooledImage
  /** Slots to write to; the first one becomes the picture. */
  readonly slots: number
  /** Writes what the host is to read into the slots. */
  readonly fill?: (loans: readonly SlotLoan[]) => Promise<void>
  readonly params: (loans: readonly SlotLoan[]) => ParamsOf<VisionProtocol, M>
}
interface Finished<M extends Method> {
  readonly image: PooledImage
  readonly result: ResultOf<VisionProtocol, M>
}

/** Decoding, encoding and drawing, all in the vision host: here only bytes of requests are copied into slots. */
export class Pictures {
  readonly #host: Host<VisionProtocol>
  readonly #pool: SharedPool
  readonly #scheduler: Scheduler

  constructor(options: { host: Host<VisionProtocol>; pool: SharedPool; scheduler: Scheduler }) {
    this.#host = options.host
    this.#pool = options.pool
    this.#scheduler = options.scheduler
  }

  /** See `Vision.decodePicture`. */
  async decode(bytes: Uint8Array, signal: AbortSignal): Promise<DecodedPicture> {
    const { slotBytes } = this.#pool.memory
    const slots = Math.max(1, Math.ceil(bytes.length / slotBytes))
    if (slots > maxSlots) {
      const most = maxSlots * slotBytes
      throw new EngineError('too-large', `Expected a picture of at most ${most} bytes, received ${bytes.length}`)
    }
    const part = (i: number) => bytes.subarray(i * slotBytes, (i + 1) * slotBytes)
    const { image, result } = await this.#run(signal, {
      method: 'decodePicture',
      priority: 'interactive',
      slots,
      fill: async (loans) => {
        for (const [i, { slot }] of loans.entries()) await this.#write(slot, part(i), signal)
      },
      params: (loans) => ({
        parts: loans.map(({ slot }, i) => ({ slot, bytes: part(i).length })),
        target: loans[0]!,
      }),
    })
    return { image, originalWidth: result.originalWidth, originalHeight: result.originalHeight }
  }

  /** The RGB image of a JPEG that lies in a slot; the caller owns it. Borrows the JPEG. */
  async unpack(jpeg: PooledImage, signal: AbortSignal): Promise<PooledImage> {
    const { slot, bytes } = jpeg
    const { image } = await this.#run(signal, {
      method: 'decodePicture',
      priority: 'realtime',
      reads: jpeg,
      slots: 1,
      params: ([target]) => ({ parts: [{ slot, bytes }], target: target! }),
    })
    return image
  }

  /** See `Vision.encodeJpeg`. A picture is never enlarged; a JPEG that need not shrink is given back as it is, with one more hold. */
  async encodeJpeg(
    image: PooledImage,
    options: { readonly quality: number; readonly width: number | null },
    signal: AbortSignal,
  ): Promise<PooledImage> {
    const width = options.width !== null && options.width < image.width ? options.width : null
    if (image.format === 'jpeg' && width === null) {
      image.hold()
      return image
    }
    if (image.format === 'jpeg')
      return this.#withUnpacked(image, signal, (raw) => this.encodeJpeg(raw, options, signal))
    const { image: encoded } = await this.#run(signal, {
      method: 'encodePicture',
      priority: 'realtime',
      reads: image,
      slots: width === null ? 1 : 2,
      params: ([target, scratch = null]) => ({
        image: toSlotImage(image),
        target: target!,
        scratch,
        quality: options.quality,
        width,
      }),
    })
    return encoded
  }

  /** See `Vision.annotate`. */
  async annotate(image: PooledImage, objects: readonly DetectedObject[], signal: AbortSignal): Promise<PooledImage> {
    if (image.format === 'jpeg')
      return this.#withUnpacked(image, signal, (raw) => this.annotate(raw, scaleObjects(objects, image, raw), signal))
    const svg = drawObjects(objects, image.width, image.height)
    const { image: drawn } = await this.#run(signal, {
      method: 'drawPicture',
      priority: 'realtime',
      reads: image,
      slots: 1,
      params: ([target]) => ({ image: toSlotImage(image), target: target!, svg }),
    })
    return drawn
  }

  async #withUnpacked<T>(jpeg: PooledImage, signal: AbortSignal, work: (raw: PooledImage) => Promise<T>): Promise<T> {
    const raw = await this.unpack(jpeg, signal)
    try {
      return await work(raw)
    } finally {
      raw.release()
    }
  }

  #run<M extends Method>(signal: AbortSignal, job: Job<M>): Promise<Finished<M>> {
    const start = (): Begun<Finished<M>> => {
      let settle: () => void = () => undefined
      const settled = new Promise<void>((resolve) => {
        settle = resolve
      })
      return { answer: this.#carryOut(signal, job, settle), settled }
    }
    const place = { device: picturesDevice, resource: picturesDevice, deadlineMs: queueDeadlineMs }
    return this.#scheduler.run(job.priority, { ...place, start }, signal)
  }

  /** `settle` is called when all slots but the picture's own have come back. */
  async #carryOut<M extends Method>(signal: AbortSignal, job: Job<M>, settle: () => void): Promise<Finished<M>> {
    const { ledger } = this.#pool
    const loans: SlotLoan[] = []
    const giveBack = (count: number) => {
      for (const { loan } of loans.splice(0, count)) ledger.settle(loan)
      settle()
    }
    try {
      loans.push(...(await ledger.acquire(borrower, job.slots, signal, slotsDeadlineMs)))
      await job.fill?.(loans)
      await unlessAborted(this.#host.start(), signal)
      if (job.reads) loans.push(ledger.lendFilled(job.reads, borrower))
    } catch (error) {
      giveBack(loans.length)
      throw error
    }
    const params = job.params(loans.slice(0, job.slots))
    const { answer, settled } = this.#host.begin(job.method, params, { signal, deadlineMs })
    try {
      const result = await answer
      const image = ledger.filled(loans.shift()!.loan, result)
      if (!image) throw new EngineError('unavailable', 'Expected the slot of the picture to be ours still; try again')
      return { image, result }
    } finally {
      void settled.then(() => giveBack(loans.length))
    }
  }

  async #write(slot: number, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      if (at > 0) await setImmediate()
      if (signal.aborted) throw new EngineError('cancelled', 'The caller gave up')
      this.#pool.memory.write(slot, bytes.subarray(at, at + chunkBytes), at)
    }
  }
}
