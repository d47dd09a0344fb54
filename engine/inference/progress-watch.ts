/** A device that gives nothing for so long while it is asked hangs: the slowest network of the catalogue takes half a second. */
const stallMs = 2000
/** While a model is loaded the device may hold everything else back. */
const stallLoadingMs = 15_000
const lookEveryMs = 250

/** Sees whether what is under way goes on: some of it must end from time to time. Its owner disposes it. */
export class ProgressWatch implements Disposable {
  readonly #onStall: (why: string) => void
  #infers = 0
  #loads = 0
  #progressAt = 0
  #timer: NodeJS.Timeout | undefined

  /** `onStall` is told once; what is under way must end by it. */
  constructor(onStall: (why: string) => void) {
    this.#onStall = onStall
  }

  /** From now until `settled`. */
  follow(kind: 'infer' | 'load', settled: Promise<void>): void {
    if (this.#infers === 0 || kind === 'load') this.#progressAt = performance.now()
    this.#count(kind, 1)
    this.#timer ??= setInterval(() => this.#look(), lookEveryMs).unref()
    void settled.then(() => {
      this.#progressAt = performance.now()
      this.#count(kind, -1)
      if (this.#infers + this.#loads === 0) this[Symbol.dispose]()
    })
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #count(kind: 'infer' | 'load', by: number): void {
    if (kind === 'infer') this.#infers += by
    else this.#loads += by
  }

  #look(): void {
    const stalledMs = performance.now() - this.#progressAt
    if (this.#infers === 0 || stalledMs < (this.#loads > 0 ? stallLoadingMs : stallMs)) return
    this[Symbol.dispose]()
    this.#onStall(`the device gave no answer for ${Math.round(stalledMs)} ms`)
  }
}
