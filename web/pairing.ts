import type { ResultMessage } from '../engine/streams/wire.ts'

/** A decoded picture. Whoever holds it calls `close` once. */
export interface Picture {
  readonly seq: number
  readonly capturedAt: number
  /** When it came, ms. */
  readonly receivedAt: number
  readonly bitmap: { readonly width: number; readonly height: number; close(): void }
}

/** One picture with the results that were computed on this very picture. */
export interface Drawing<P extends Picture = Picture> {
  readonly picture: P
  readonly results: readonly ResultMessage[]
  /** How the picture came to be chosen: with all results, with those that did not skip it, or without any. */
  readonly match: 'all' | 'some' | 'none'
}

/** Bounds and patience, in pictures and ms. */
const maxPictures = 40
const maxAgeMs = 1500
const maxResults = 60
/** A topic that has been silent for longer is not waited for. Also the longest a picture waits for its results. */
const lagMs = 1000
/** Results that were too late must come this early again before pictures wait for them. */
const returnLagMs = 700
/** When topics skip different pictures, none may be complete; after this long, a picture with some results will do. */
const someAfterMs = 400

interface TopicResults {
  lastAt: number
  lastSeq: number
  readonly bySeq: Map<number, ResultMessage>
}

/**
 * Buffers pictures until the chosen topics have delivered the results of the same `seq`. Pure: knows no canvas and no
 * clock. It owns the pictures it was given, the one on show included, and closes each exactly once.
 */
export class Pairing<P extends Picture = Picture> {
  #pictures: P[] = []
  #shown: P | undefined
  #shownMatch: Drawing['match'] = 'none'
  #pairedAt = Number.NEGATIVE_INFINITY
  readonly #topics = new Map<string, TopicResults>()

  /** Which topics to wait for. What is known of those that stay is kept. */
  choose(topics: readonly string[]): void {
    for (const topic of this.#topics.keys()) if (!topics.includes(topic)) this.#topics.delete(topic)
    for (const topic of topics) {
      if (!this.#topics.has(topic)) {
        this.#topics.set(topic, { lastAt: Number.NEGATIVE_INFINITY, lastSeq: -1, bySeq: new Map() })
      }
    }
  }

  addPicture(picture: P): void {
    const at = this.#pictures.findLastIndex((other) => other.seq < picture.seq) + 1
    if (this.#pictures[at]?.seq === picture.seq || (this.#inStep() && picture.seq <= (this.#shown?.seq ?? -1))) {
      picture.bitmap.close()
      return
    }
    this.#pictures.splice(at, 0, picture)
    this.#drop(
      (other, index) => index < this.#pictures.length - maxPictures || picture.receivedAt - other.receivedAt > maxAgeMs,
    )
  }

  /** A result of a topic that was not chosen is ignored. */
  addResult(topic: string, result: ResultMessage, now: number): void {
    const known = this.#topics.get(topic)
    if (known === undefined) return
    known.lastAt = now
    known.lastSeq = result.seq
    known.bySeq.set(result.seq, result)
    for (const seq of known.bySeq.keys()) {
      if (known.bySeq.size <= maxResults) break
      known.bySeq.delete(seq)
    }
  }

  /** What to draw now; undefined when what is on show should stay. The picture stays the pairing's. */
  next(now: number): Drawing<P> | undefined {
    const live = [...this.#topics.values()].filter((topic) => now - topic.lastAt <= lagMs)
    const patience = this.#inStep() ? lagMs : returnLagMs
    const candidates = this.#pictures.filter(
      (picture) => now - picture.receivedAt <= patience && !this.#isPast(picture),
    )
    if (live.length > 0) {
      const complete = candidates.findLast((picture) => live.every((topic) => topic.bySeq.has(picture.seq)))
      if (complete !== undefined) return this.#show(complete, 'all', now)
      if (now - this.#pairedAt > someAfterMs) {
        const some = candidates.findLast((picture) => isAnsweredBySome(picture, live))
        if (some !== undefined) return this.#show(some, 'some', now)
      }
      if (now - this.#pairedAt <= lagMs) return undefined
    }
    const newest = this.#pictures.at(-1)
    return newest === undefined || newest === this.#shown ? undefined : this.#show(newest, 'none', now)
  }

  /** Forgets all but the picture on show: another stream, or another start of the engine. */
  reset(): void {
    this.#drop(() => true)
    for (const topic of this.#topics.values()) {
      topic.bySeq.clear()
      topic.lastAt = Number.NEGATIVE_INFINITY
      topic.lastSeq = -1
    }
    this.#shownMatch = 'none'
    this.#pairedAt = Number.NEGATIVE_INFINITY
  }

  #inStep(): boolean {
    return this.#shownMatch !== 'none'
  }

  /** In step, pictures go forward only; from plain pictures it may go back to the newest with results, once. */
  #isPast(picture: P): boolean {
    return this.#inStep() && this.#shown !== undefined && picture.seq <= this.#shown.seq
  }

  #show(picture: P, match: Drawing['match'], now: number): Drawing<P> {
    const before = this.#shown
    this.#shown = picture
    this.#shownMatch = match
    if (match !== 'none') {
      this.#pairedAt = now
      this.#drop((other) => other.seq <= picture.seq)
    }
    if (before !== undefined && before !== picture && !this.#pictures.includes(before)) before.bitmap.close()
    const results = match === 'none' ? [] : this.#resultsOf(picture.seq)
    return { picture, results, match }
  }

  #resultsOf(seq: number): ResultMessage[] {
    return [...this.#topics.values()].flatMap((topic) => topic.bySeq.get(seq) ?? [])
  }

  /** Removes pictures from the buffer and closes them, but for the one on show. */
  #drop(unwanted: (picture: P, index: number) => boolean): void {
    const kept: P[] = []
    for (const [index, picture] of this.#pictures.entries()) {
      if (!unwanted(picture, index)) kept.push(picture)
      else if (picture !== this.#shown) picture.bitmap.close()
    }
    this.#pictures = kept
  }
}

/** Every live topic has a result for the picture or has gone past it, and at least one has a result. */
function isAnsweredBySome(picture: Picture, live: readonly TopicResults[]): boolean {
  return (
    live.some((topic) => topic.bySeq.has(picture.seq)) &&
    live.every((topic) => topic.bySeq.has(picture.seq) || topic.lastSeq > picture.seq)
  )
}
