import { heldBack } from './held-back.ts'

/** Ends an answer before the first of some texts, which may come in pieces: what may become one is held back. */
export class StopCutter {
  readonly #stops: readonly string[]
  #held = ''
  #stopped = false

  /** Empty texts are none. */
  constructor(stops: readonly string[]) {
    this.#stops = stops.filter((stop) => stop !== '')
  }

  /** One of the texts has come: nothing more belongs to the answer. */
  get stopped(): boolean {
    return this.#stopped
  }

  /** What of the answer is certain now. */
  push(text: string): string {
    if (this.#stopped) return ''
    const all = this.#held + text
    const starts = this.#stops.map((stop) => all.indexOf(stop)).filter((at) => at >= 0)
    if (starts.length > 0) {
      this.#stopped = true
      return all.slice(0, Math.min(...starts))
    }
    const held = heldBack(all, this.#stops)
    this.#held = all.slice(all.length - held)
    return all.slice(0, all.length - held)
  }

  /** What was held back, once the answer is over. */
  flush(): string {
    const rest = this.#stopped ? '' : this.#held
    this.#held = ''
    return rest
  }
}
