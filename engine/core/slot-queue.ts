import { EngineError } from '../errors.ts'

/** A slot lent to a host. Both numbers are in every message about it. */
export interface SlotLoan {
  readonly slot: number
  readonly loan: number
}

/** Requests that may wait for slots at once; more are refused as `busy`. */
const maxWaiting = 16

/** One wait for slots. */
export interface SlotRequest {
  readonly borrower: string
  readonly count: number
  readonly lend: () => SlotLoan[]
  readonly signal: AbortSignal
  readonly deadlineMs: number
  /** Runs when the request left without its slots: another may have its turn now. */
  readonly onLeave: () => void
}

interface Waiter {
  readonly request: SlotRequest
  readonly resolve: (loans: SlotLoan[]) => void
  readonly reject: (error: EngineError) => void
  readonly stop: () => void
}

/** Requests that wait for slots of the image pool, first come first served. Used by `ImagePool` alone. */
export class SlotQueue {
  #waiters: Waiter[] = []

  /** Slots that the first in the queue waits for; 0 when nobody waits. */
  get needed(): number {
    return this.#waiters[0]?.request.count ?? 0
  }

  wait(request: SlotRequest): Promise<SlotLoan[]> {
    if (this.#waiters.length >= maxWaiting)
      return Promise.reject(new EngineError('busy', `Expected at most ${maxWaiting} requests waiting for image slots`))
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { request, resolve, reject, stop: () => stop() }
      const abort = () =>
        this.#leave(waiter, new EngineError('cancelled', 'The request was cancelled in the queue for image slots'))
      const timer = setTimeout(() => this.#leave(waiter, late(request)), request.deadlineMs)
      const stop = () => {
        clearTimeout(timer)
        request.signal.removeEventListener('abort', abort)
      }
      request.signal.addEventListener('abort', abort, { once: true })
      this.#waiters.push(waiter)
    })
  }

  /** Lends to the waiters in order while `free()` slots are enough for the first. */
  serve(free: () => number): void {
    for (let first = this.#waiters[0]; first !== undefined && free() >= first.request.count; first = this.#waiters[0]) {
      this.#waiters.shift()
      first.stop()
      first.resolve(first.request.lend())
    }
  }

  /** Rejects what this borrower waits for. */
  fail(borrower: string, error: EngineError): void {
    const failed = this.#waiters.filter((waiter) => waiter.request.borrower === borrower)
    this.#waiters = this.#waiters.filter((waiter) => waiter.request.borrower !== borrower)
    for (const waiter of failed) {
      waiter.stop()
      waiter.reject(error)
    }
  }

  #leave(waiter: Waiter, error: EngineError): void {
    this.#waiters = this.#waiters.filter((other) => other !== waiter)
    waiter.stop()
    waiter.reject(error)
    waiter.request.onLeave()
  }
}

function late(request: SlotRequest): EngineError {
  return new EngineError(
    'timeout',
    `Expected ${request.count} free image slots within ${request.deadlineMs} ms: every slot is in use, see images.slots`,
  )
}
