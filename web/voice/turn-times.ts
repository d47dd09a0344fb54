/** How long a reply took, in milliseconds after you stopped speaking was known; undefined: not yet. */
export interface TurnTimes {
  /** From the end of your speech until the engine was sure of it. */
  turnEnd?: number
  transcript?: number
  firstWords?: number
  firstSound?: number
  /** Until you heard it. */
  heard?: number
  tokensPerSecond?: number
}

/** The server's own measures of a response, where it has them. */
export interface ServerMeasures {
  readonly end_of_utterance_delay_ms?: number | null
  readonly tokens_per_second?: number | null
}

/** Takes the times of one turn after another. Moments in ms by any clock that only goes forward. */
export class TurnClock {
  #stoppedAt: number | undefined
  #times: TurnTimes = {}

  get times(): TurnTimes {
    return this.#times
  }

  /** You have stopped speaking, or let the button go. */
  stopped(at: number): void {
    this.#stoppedAt = at
    this.#times = {}
  }

  /** Something has come for the first time in this turn; later ones change nothing. */
  saw(what: 'transcript' | 'firstWords' | 'firstSound' | 'heard', at: number): void {
    if (this.#stoppedAt !== undefined) this.#times[what] ??= at - this.#stoppedAt
  }

  measured({ end_of_utterance_delay_ms, tokens_per_second }: ServerMeasures): void {
    if (this.#stoppedAt === undefined) return
    if (typeof end_of_utterance_delay_ms === 'number') this.#times.turnEnd = end_of_utterance_delay_ms
    if (typeof tokens_per_second === 'number') this.#times.tokensPerSecond = tokens_per_second
  }
}
