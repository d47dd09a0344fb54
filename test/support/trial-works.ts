import { vi } from 'vitest'
import type { DeviceLimits } from '../../engine/inference/device-queue.ts'
import { Scheduler, type Work } from '../../engine/inference/scheduler.ts'
import type { Priority } from '../../engine/inference/vision.ts'

/** A scheduler under fake time. Work that ends when the test says so, and notes when it started. */
export class TrialWorks {
  readonly started: string[] = []
  readonly running = new Set<string>()
  readonly #ends = new Map<string, { answer: (error?: Error) => void; settle: () => void }>()
  readonly #settled = new Map<string, Promise<void>>()
  readonly scheduler: Scheduler
  readonly outcomes = new Map<string, unknown>()

  constructor(devices: Readonly<Record<string, DeviceLimits>> = { cpu: { depth: 1 } }) {
    this.scheduler = new Scheduler(devices)
  }

  run(name: string, priority: Priority, options: Partial<Work<string>> & { readonly signal?: AbortSignal } = {}) {
    const { signal = new AbortController().signal, ...place } = options
    const outcome = this.scheduler.run(priority, { ...this.#work(name), ...place }, signal)
    outcome.then(
      (value) => this.outcomes.set(name, value),
      (error: { code?: string; message: string }) => this.outcomes.set(name, error.code ?? error.message),
    )
  }

  /** Asks for a live work in the same turn of the event loop in which that one ends. */
  runAfter(running: string, name: string): void {
    this.#settled.get(running)?.then(() => this.run(name, 'realtime'))
  }

  /** Answers and gives the resource back. */
  async finish(name: string): Promise<void> {
    this.#ends.get(name)?.answer()
    await this.settle(name)
  }

  /** Answers only: the resource stays taken. */
  async fail(name: string, error: Error): Promise<void> {
    this.#ends.get(name)?.answer(error)
    await tick()
  }

  async settle(name: string): Promise<void> {
    this.running.delete(name)
    this.#ends.get(name)?.settle()
    await tick()
  }

  #work(name: string): Work<string> {
    const start = () => {
      this.started.push(name)
      this.running.add(name)
      let settle: () => void = () => undefined
      const settled = new Promise<void>((resolve) => {
        settle = resolve
      })
      const answer = new Promise<string>((resolve, reject) => {
        const end = (error?: Error) => (error ? reject(error) : resolve(`${name} done`))
        this.#ends.set(name, { answer: end, settle })
      })
      this.#settled.set(name, settled)
      return { answer, settled }
    }
    return { device: 'cpu', resource: 'model', deadlineMs: 60_000, start }
  }
}

/** Lets everything that is due happen. */
export async function tick(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0)
}
