import type { WyomingEvent } from './frame.ts'

/** Beside its payload: what an event with a little data takes. */
const eventBytes = 500

/** Events of one client that wait to be answered, in their order, for one reader. */
export class EventQueue {
  readonly #waiting: WyomingEvent[] = []
  #bytes = 0
  #end: { readonly error?: unknown } | undefined
  #wake: () => void = () => undefined

  /** About what they take. */
  get bytes(): number {
    return this.#bytes
  }

  push(event: WyomingEvent): void {
    if (this.#end) return
    this.#waiting.push(event)
    this.#bytes += sizeOf(event)
    this.#wake()
  }

  /** Nothing comes any more: what waits is still read, and then the error is thrown. */
  fail(error: unknown): void {
    this.#end ??= { error }
    this.#wake()
  }

  /** Nothing is read any more. */
  drop(): void {
    this.#end = {}
    this.#waiting.length = 0
    this.#bytes = 0
    this.#wake()
  }

  /** Waits for the next one; undefined after `drop`. */
  async take(): Promise<WyomingEvent | undefined> {
    while (this.#waiting.length === 0 && !this.#end) await new Promise<void>((resolve) => (this.#wake = resolve))
    const event = this.#waiting.shift()
    if (event) this.#bytes -= sizeOf(event)
    else if (this.#end?.error !== undefined) throw this.#end.error
    return event
  }
}

function sizeOf({ payload }: WyomingEvent): number {
  return payload.length + eventBytes
}
