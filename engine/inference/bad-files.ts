import type { Logger } from 'pino'
import { EngineError } from '../errors.ts'

/** A model over whose loading the host died so often in a row is left out for a while: others may kill a host too. */
const maxDeaths = 3
const leftOutMs = 60_000

/** A file that did not load; another file of that name may. */
interface Failure {
  readonly version: string
  readonly reason: string
  /** Tried again after this time of `performance.now()`. */
  readonly until: number
}

/** Files of models that did not load: each is named in the log once, and not tried again until it changes. */
export class BadFiles {
  readonly #log: Logger
  readonly #failures = new Map<string, Failure>()
  readonly #deaths = new Map<string, number>()

  constructor(log: Logger) {
    this.#log = log
  }

  /** Why this very file is not to be tried; undefined when it may: it has changed, or the time is over. */
  reasonOf(name: string, version: string): string | undefined {
    const failure = this.#failures.get(name)
    if (failure?.version === version && performance.now() < failure.until) return failure.reason
    this.#failures.delete(name)
    return undefined
  }

  /** It has loaded. */
  forgive(name: string): void {
    this.#deaths.delete(name)
    this.#failures.delete(name)
  }

  /** Keeps the reason not to try this file again, when it is the file's fault. */
  judge(name: string, version: string, error: unknown): void {
    if (!(error instanceof EngineError)) return
    const deaths = (this.#deaths.get(name) ?? 0) + (error.code === 'unavailable' ? 1 : 0)
    this.#deaths.set(name, deaths)
    const itsFault = error.code === 'invalid' || error.code === 'timeout'
    if (!itsFault && deaths < maxDeaths) return
    this.#deaths.delete(name)
    const until = itsFault ? Number.POSITIVE_INFINITY : performance.now() + leftOutMs
    this.#failures.set(name, { version, reason: error.message, until })
    this.#log.error({ model: name, reason: error.message }, 'model cannot be loaded')
  }
}
