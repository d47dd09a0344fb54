/** How old an answer may be, in milliseconds. */
export interface LookTiming {
  /** A look that began within this time is not repeated. */
  readonly freshMs?: number
  /** So long `recent` waits for a new look before it gives what the last one found. */
  readonly patienceMs?: number
  /** What was found longer ago is not given any more, however long the new look takes. */
  readonly staleMs?: number
}

/** A look asks the disk hundreds of things: a few ms on an idle machine, a good part of a second where all processors are busy. */
const usual = { freshMs: 1000, patienceMs: 25, staleMs: 60_000 }

interface Begun<T> {
  readonly at: number
  readonly found: Promise<T>
  isOver: boolean
}

/** What was found by looking at something slow, such as the disk: one look at a time, shared by all who ask. */
export class RecentLook<T> {
  readonly #look: () => Promise<T>
  readonly #timing: Required<LookTiming>
  #begun: Begun<T> | undefined
  #last: { readonly at: number; readonly found: T } | undefined

  constructor(look: () => Promise<T>, timing: LookTiming = {}) {
    this.#look = look
    this.#timing = { ...usual, ...timing }
  }

  /** As it was within `freshMs`, or is found by a look that runs: for who decides something. Rejects as the look does. */
  fresh(): Promise<T> {
    return this.#fresh().found
  }

  /** The same if that is soon there, else what the last look found within `staleMs`: for lists, which are to be answered at once. */
  async recent(): Promise<T> {
    const begun = this.#fresh()
    const last = this.#last
    const { patienceMs, staleMs } = this.#timing
    if (begun.isOver || last === undefined || performance.now() - last.at > staleMs) return begun.found
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<T>((resolve) => {
      timer = setTimeout(() => resolve(last.found), patienceMs)
    })
    try {
      return await Promise.race([begun.found, late])
    } finally {
      clearTimeout(timer)
    }
  }

  /** What was found is known to be so no more. */
  forget(): void {
    this.#begun = undefined
    this.#last = undefined
  }

  #fresh(): Begun<T> {
    const now = performance.now()
    const begun = this.#begun
    if (begun && (!begun.isOver || now - begun.at < this.#timing.freshMs)) return begun
    return this.#begin(now)
  }

  #begin(at: number): Begun<T> {
    const begun: Begun<T> = { at, found: this.#look(), isOver: false }
    this.#begun = begun
    const end = () => {
      begun.isOver = true
    }
    begun.found.then((found) => {
      end()
      // A look that began before something changed says nothing about it.
      if (this.#begun === begun) this.#last = { at, found }
    }, end)
    return begun
  }
}
