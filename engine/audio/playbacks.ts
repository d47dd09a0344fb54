import type { Observable } from 'rxjs'

/** What a speaker does with the sound of one stream, and where it stands. Milliseconds since it began to take it: taken = heard + dropped + waiting. */
export interface Playback {
  readonly takenMs: number
  /** To within what the device itself holds, some 60 ms; told about ten times a second. */
  readonly heardMs: number
  readonly droppedMs: number
  /** At each change of what was heard. Completes when the speaker plays no more. */
  readonly changes: Observable<void>
  /** Keep what waits, play nothing: heard within 100 ms. */
  hold(): void
  resume(): void
  /** Drops what was not heard yet; resolves when nothing is heard any more, within 100 ms, and the numbers say so. */
  flush(): Promise<void>
}

/** Which speakers play which streams: how a voice learns what was heard of it. */
export class Playbacks {
  readonly #playbacks = new Map<string, Playback[]>()

  /** `stream`: with its pipeline, `<pipeline>/<stream>`. The function given back ends it. */
  add(stream: string, playback: Playback): () => void {
    const others = this.#playbacks.get(stream) ?? []
    this.#playbacks.set(stream, [...others, playback])
    return () => {
      const left = (this.#playbacks.get(stream) ?? []).filter((one) => one !== playback)
      if (left.length > 0) this.#playbacks.set(stream, left)
      else this.#playbacks.delete(stream)
    }
  }

  /** The first that plays it now; undefined where nobody does. */
  of(stream: string): Playback | undefined {
    return this.#playbacks.get(stream)?.[0]
  }
}
