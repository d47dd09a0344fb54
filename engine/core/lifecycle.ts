import { type MonoTypeOperatorFunction, Observable, type Subscription } from 'rxjs'
import { EngineError } from '../errors.ts'
import { emit } from './edge.ts'

interface Closing {
  readonly name: string
  readonly close: () => unknown
  readonly deadlineMs: number
}

/** How long one part may take to close, when it is not said. */
const defaultDeadlineMs = 10_000

/** Owns parts and closes them newest first, each within its deadline. (Node 20 lacks `AsyncDisposableStack`.) */
export class ClosingStack implements AsyncDisposable {
  readonly #parts: Closing[] = []
  #closed: Promise<void> | undefined

  /** Runs `close` when the stack closes. `name` is for errors; deadline in ms, default 10 s. Throws `closed` on a closed stack. */
  defer(name: string, close: () => unknown, options: { deadlineMs?: number } = {}): void {
    if (this.#closed !== undefined)
      throw new EngineError('closed', `Expected an open stack, but ${name} came after its closing`)
    this.#parts.push({ name, close, deadlineMs: options.deadlineMs ?? defaultDeadlineMs })
  }

  /** Owns a part from now on, and returns it. */
  use<T extends AsyncDisposable | Disposable>(name: string, part: T, options: { deadlineMs?: number } = {}): T {
    const close = Symbol.asyncDispose in part ? () => part[Symbol.asyncDispose]() : () => part[Symbol.dispose]()
    this.defer(name, close, options)
    return part
  }

  /** Closes all, whatever fails; then throws what failed, several in an `AggregateError`. A second call waits for the first. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= closeAll(this.#parts.reverse())
    return this.#closed
  }
}

async function closeAll(parts: readonly Closing[]): Promise<void> {
  const errors: unknown[] = []
  for (const part of parts) {
    try {
      await closeInTime(part)
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length === 1) throw errors[0]
  if (errors.length > 1)
    throw new AggregateError(errors, `${errors.length} parts failed to close: ${errors.join('; ')}`)
}

async function closeInTime({ name, close, deadlineMs }: Closing): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const error = new EngineError('timeout', `Expected ${name} to close within ${deadlineMs} ms`)
    timer = setTimeout(() => reject(error), deadlineMs)
  })
  try {
    await Promise.race([Promise.resolve().then(close), late])
  } finally {
    clearTimeout(timer)
  }
}

/** What worked for so long before it failed is started anew as if it had never failed before. */
export const stableMs = 10_000
const startsApartMs = [0, 500, 1000]
const longestApartMs = 2000

/**
 * The wait, in ms, before something that failed is started anew. Its starts are so far apart, by how often in a row it had
 * failed before: what ran for longer (`ranMs`, from its last start) is started at once, what fails at once is not started over and over.
 */
export function restartDelayMs(failuresBefore: number, ranMs: number): number {
  return Math.max(0, Math.round((startsApartMs[failuresBefore] ?? longestApartMs) - ranMs))
}

/** What `restartForever` needs of its owner. */
export interface RestartOptions {
  /** Monotonic nanoseconds. */
  readonly now: () => bigint
  /** Called at each failure, before the wait; `error` is undefined when the stream just ended. */
  readonly onRestart: (error: unknown, delayMs: number) => void
}

/**
 * Opens a stream anew whenever it fails or ends, for ever: at once, then 0.5, 1 and 2 s after its last opening, never later; the
 * count starts anew after 10 s of packets. What can only fail again (`invalid`) is tried every 2 s.
 */
export function restartForever<T extends Disposable>(options: RestartOptions): MonoTypeOperatorFunction<T> {
  return (source) =>
    new Observable((subscriber) => {
      let failures = 0
      let openedAt = 0n
      let firstPacketAt: bigint | undefined
      let lastPacketAt = 0n
      let timer: NodeJS.Timeout | undefined
      let opened: Subscription | undefined
      const next = (packet: T) => {
        lastPacketAt = options.now()
        firstPacketAt ??= lastPacketAt
        emit(subscriber, packet)
      }
      const restart = (error: unknown) => {
        if (firstPacketAt !== undefined && Number(lastPacketAt - firstPacketAt) / 1e6 >= stableMs) failures = 0
        const ranMs = Number(options.now() - openedAt) / 1e6
        const delayMs = restartDelayMs(isHopeless(error) ? Number.POSITIVE_INFINITY : failures, ranMs)
        failures++
        options.onRestart(error, delayMs)
        timer = setTimeout(open, delayMs)
      }
      const open = () => {
        openedAt = options.now()
        firstPacketAt = undefined
        opened = source.subscribe({ next, error: restart, complete: () => restart(undefined) })
      }
      open()
      return () => {
        clearTimeout(timer)
        opened?.unsubscribe()
      }
    })
}

function isHopeless(error: unknown): boolean {
  return error instanceof EngineError && error.code === 'invalid'
}
