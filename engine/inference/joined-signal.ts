/** A signal of several for one piece of work. Disposing it leaves nothing behind at signals that live on. */
export class JoinedSignal implements Disposable {
  readonly #controller = new AbortController()
  readonly #sources: readonly AbortSignal[]
  readonly #abort = () => this.#controller.abort()

  constructor(...sources: readonly AbortSignal[]) {
    this.#sources = sources
    for (const source of sources) {
      if (source.aborted) this.#abort()
      source.addEventListener('abort', this.#abort, { once: true })
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Nobody wants the work any more: aborts the signal, and leaves the sources. */
  [Symbol.dispose](): void {
    for (const source of this.#sources) source.removeEventListener('abort', this.#abort)
    this.#abort()
  }
}
