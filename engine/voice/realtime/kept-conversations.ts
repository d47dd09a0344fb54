import type { History } from '../history.ts'

/** How long, and how many, conversations are kept whose client has left. */
export interface KeptOptions {
  readonly ttlMs: number
  /** The one that was left first goes when there are more. */
  readonly most: number
}

// Long enough for a phone that lost its network, short enough that nobody finds what was said yesterday.
const usual: KeptOptions = { ttlMs: 10 * 60_000, most: 64 }

/** What was said with clients that have left, so that one who comes back goes on. In memory alone; each is given back once. */
export class KeptConversations {
  readonly #options: KeptOptions
  readonly #kept = new Map<string, { readonly history: History; readonly at: number }>()
  readonly #now: () => number

  constructor(options: Partial<KeptOptions> = {}, now: () => number = () => performance.now()) {
    this.#options = { ...usual, ...options }
    this.#now = now
  }

  keep(id: string, history: History): void {
    this.#forgetOld()
    if (history.length === 0) return
    this.#kept.delete(id)
    this.#kept.set(id, { history, at: this.#now() })
    const [first] = this.#kept.keys()
    if (this.#kept.size > this.#options.most && first !== undefined) this.#kept.delete(first)
  }

  /** undefined: nobody had it, or it is too long ago. */
  take(id: string): History | undefined {
    this.#forgetOld()
    const found = this.#kept.get(id)
    this.#kept.delete(id)
    return found?.history
  }

  #forgetOld(): void {
    const oldest = this.#now() - this.#options.ttlMs
    for (const [id, { at }] of this.#kept) if (at < oldest) this.#kept.delete(id)
  }
}
