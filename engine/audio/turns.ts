import { EngineError } from '../errors.ts'

/** In line: by then a client has better things to do than to wait on. */
const maxWaitMs = 120_000

/** Lets so many works run at once; the others wait in the order in which they came, up to a bound. */
export class Turns {
  readonly #atOnce: number
  readonly #maxWaiting: number
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(atOnce: number, maxWaiting: number) {
    this.#atOnce = atOnce
    this.#maxWaiting = maxWaiting
  }

  /** Resolves with the function that ends the turn, which may be called twice. Rejects with `busy` when too many wait or it takes too long, or with the signal's reason. */
  async take(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    if (this.#running < this.#atOnce) this.#running++
    else await this.#wait(signal)
    let ended = false
    return () => {
      if (ended) return
      ended = true
      this.#passOn()
    }
  }

  #wait(signal: AbortSignal): Promise<void> {
    if (this.#waiting.length >= this.#maxWaiting)
      throw new EngineError('busy', `Too many requests with audio at once (${this.#maxWaiting} wait). Try again later`)
    return new Promise((resolve, reject) => {
      const leave = (reason: unknown) => {
        this.#waiting.splice(this.#waiting.indexOf(go), 1)
        settle(() => reject(reason))
      }
      const settle = (finish: () => void) => {
        signal.removeEventListener('abort', abort)
        clearTimeout(timer)
        finish()
      }
      const abort = () => leave(signal.reason)
      const go = () => settle(resolve)
      const timer = setTimeout(() => leave(tooLong()), maxWaitMs)
      this.#waiting.push(go)
      signal.addEventListener('abort', abort, { once: true })
    })
  }

  /** The turn goes to whoever waits longest. */
  #passOn(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#running--
    else next()
  }
}

function tooLong(): EngineError {
  return new EngineError('busy', `Requests with audio wait for more than ${maxWaitMs / 1000} s. Try again later`)
}
