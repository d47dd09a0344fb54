import { z } from 'zod'
import type { DetectedObject } from '../../engine/core/packet.ts'
import { EngineError } from '../../engine/errors.ts'
import type { Vision } from '../../engine/inference/vision.ts'
import { CountedImage } from './topic-packets.ts'

/** A `Vision` that answers from a recorded answer, and keeps what it was asked and gave. */
export class FakeVision implements Vision {
  readonly tasks = ['detect', 'pose', 'count']
  readonly opened: { readonly task: string; readonly options: unknown }[] = []
  readonly decoded: Buffer[] = []
  readonly images: CountedImage[] = []
  readonly kept: { readonly model: string; readonly seconds: number }[] = []
  sessions = 0
  answer: readonly DetectedObject[] = []
  /** Thrown by `decodePicture`. */
  refusal: EngineError | undefined
  /** Size that pictures are decoded to; they are sent at twice that. */
  size = { width: 320, height: 240 }
  /** What `ask` waits for. */
  gate: Promise<void> = Promise.resolve()
  /** What `decodePicture` waits for, once it has taken the bytes. */
  decodeGate: Promise<void> = Promise.resolve()

  describeTask(task: string): ReturnType<Vision['describeTask']> {
    return {
      summary: `Recorded answers of ${task}`,
      options: z.strictObject({ minScore: z.number().max(1).optional() }),
    }
  }

  openTask(task: string, options: unknown): ReturnType<Vision['openTask']> {
    this.opened.push({ task, options })
    if (Number((options as { minScore?: number }).minScore ?? 0) > 1)
      throw new EngineError('invalid', 'Expected minScore to be 0 to 1')
    this.sessions++
    return {
      prepare: () => undefined,
      ask: async (_image, signal) => {
        const cancelled = new Promise<never>((_, reject) =>
          signal.addEventListener('abort', () => reject(new EngineError('cancelled', 'The caller has left'))),
        )
        await Promise.race([this.gate, cancelled])
        return { objects: this.answer, model: 'recorded', backend: 'replay', simulated: false }
      },
      [Symbol.asyncDispose]: async () => {
        this.sessions--
      },
    }
  }

  keepAlive(model: string, seconds: number): void {
    this.kept.push({ model, seconds })
  }

  prepare(): undefined {
    // Always up.
  }

  async decodePicture(bytes: Uint8Array): ReturnType<Vision['decodePicture']> {
    this.decoded.push(Buffer.from(bytes))
    await this.decodeGate
    if (this.refusal !== undefined) throw this.refusal
    const image = new CountedImage({ ...this.size, format: 'rgb' })
    this.images.push(image)
    return { image, originalWidth: this.size.width * 2, originalHeight: this.size.height * 2 }
  }

  encodeJpeg(): never {
    throw new Error('Expected no call of encodeJpeg')
  }

  annotate(): never {
    throw new Error('Expected no call of annotate')
  }
}
