interface Refusal {
  readonly reason: string
  /** It holds until this time of `performance.now()`. */
  readonly until: number
}

/** What was refused not long ago, by name: whoever asks meanwhile gets the same answer, and nobody else is bothered with it. */
export class Refusals {
  readonly #refusals = new Map<string, Refusal>()
  #ofAll: Refusal | undefined

  /** The name is refused for `forMs` from now. */
  remember(name: string, reason: string, forMs: number): void {
    this.#refusals.set(name, { reason, until: performance.now() + forMs })
  }

  /** Every name is refused for `forMs` from now. */
  rememberAll(reason: string, forMs: number): void {
    this.#ofAll = { reason, until: performance.now() + forMs }
  }

  /** The reason that still holds for this name; undefined for none. */
  reasonOf(name: string): string | undefined {
    const now = performance.now()
    return [this.#refusals.get(name), this.#ofAll].find((refusal) => refusal !== undefined && refusal.until > now)
      ?.reason
  }
}
