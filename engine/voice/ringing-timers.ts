import type { TimerName } from './events.ts'

/** The timers of a voice session: each name rings once at most. */
export class RingingTimers {
  readonly #ring: (timer: TimerName, timerId: number) => void
  readonly #running = new Map<TimerName, NodeJS.Timeout>()

  constructor(ring: (timer: TimerName, timerId: number) => void) {
    this.#ring = ring
  }

  start(timer: TimerName, timerId: number, ms: number): void {
    this.stop(timer)
    const ring = () => {
      this.#running.delete(timer)
      this.#ring(timer, timerId)
    }
    this.#running.set(timer, setTimeout(ring, ms))
  }

  stop(timer: TimerName): void {
    clearTimeout(this.#running.get(timer))
    this.#running.delete(timer)
  }

  stopAll(): void {
    for (const timer of [...this.#running.keys()]) this.stop(timer)
  }
}
