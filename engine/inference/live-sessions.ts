import { type LoadLimits, noLimits } from './load-governor.ts'

/** What a live session knows of the load. */
export interface LiveSession {
  readonly rank: number
  /** Of its usual rate, above 0 up to 1, as it is now. */
  share(): number
  /** It is over. */
  close(): void
}

/** The live sessions that are open, by rank, and what they may. */
export class LiveSessions {
  limits: LoadLimits = noLimits
  readonly #open = new Set<LiveSession>()

  open(rank: number): LiveSession {
    const session = {
      rank,
      share: () => this.limits.shareOf(rank),
      close: () => void this.#open.delete(session),
    }
    this.#open.add(session)
    return session
  }

  /** One for each session. */
  get ranks(): number[] {
    return [...this.#open].map(({ rank }) => rank)
  }
}
