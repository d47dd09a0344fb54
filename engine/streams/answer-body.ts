import { EngineError } from '../errors.ts'

/** Bytes that may wait for a slow reader: longer than most answers, so that a reader seldom holds the work up. */
const defaultWaitingBytes = 262_144
/** A reader that has taken nothing for so long, while as much as may wait for it does, holds up others: it is cut off. */
const defaultStallMs = 30_000

/** How a body is written. */
export interface AnswerBodyOptions {
  /** Called once when nobody reads any more: what makes the lines is to end. */
  readonly onLeft: (reason: EngineError) => void
  readonly waitingBytes?: number
  readonly stallMs?: number
}

/**
 * A response's body of lines that come one by one. It reads ahead of its client, within a bound: what makes the lines waits for a slow
 * one only then, and no longer than the stall time. Lines that throw cut the body short.
 */
export function answerBody(lines: AsyncIterable<string>, options: AnswerBodyOptions): ReadableStream<Uint8Array> {
  const { waitingBytes = defaultWaitingBytes } = options
  const reader = new SlowReader(options.stallMs ?? defaultStallMs)
  const encoder = new TextEncoder()
  let isLeft = false
  const leave = (reason: EngineError) => {
    if (isLeft) return
    isLeft = true
    options.onLeft(reason)
    reader.move()
  }
  async function fill(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    for await (const line of lines) {
      if (isLeft) return
      controller.enqueue(encoder.encode(line))
      if ((controller.desiredSize ?? 0) <= 0) await reader.moved()
      if (isLeft) return
    }
    controller.close()
  }
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        fill(controller).catch((error: unknown) => {
          if (isLeft) return
          leave(
            error instanceof EngineError ? error : new EngineError('internal', 'The answer failed', { cause: error }),
          )
          controller.error(error)
        })
      },
      pull: () => reader.move(),
      cancel: () => leave(new EngineError('cancelled', 'The client hung up')),
    },
    new ByteLengthQueuingStrategy({ highWaterMark: waitingBytes }),
  )
}

/** Waits until a reader takes something, for so long at most. */
class SlowReader {
  readonly #stallMs: number
  #resume: (() => void) | undefined

  constructor(stallMs: number) {
    this.#stallMs = stallMs
  }

  move(): void {
    this.#resume?.()
  }

  moved(): Promise<void> {
    const { promise, resolve, reject } = withResolvers()
    const seconds = this.#stallMs / 1000
    const late = new EngineError('timeout', `Expected the client to read on within ${seconds} s`)
    const timer = setTimeout(() => reject(late), this.#stallMs)
    this.#resume = resolve
    return promise.finally(() => {
      clearTimeout(timer)
      this.#resume = undefined
    })
  }
}

/** Node 20 lacks `Promise.withResolvers`. */
function withResolvers() {
  let resolve: () => void = () => undefined
  let reject: (error: EngineError) => void = () => undefined
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return { promise, resolve, reject }
}
