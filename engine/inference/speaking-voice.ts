import type { SynthesisOptions, Voice } from './speech.ts'

/** A voice that says one clause after the other. */
export interface SpeakingVoice {
  readonly voice: Voice
  /** Other names by which it is asked for. */
  readonly aliases: readonly string[]
  /** Throws `invalid` for an option that it cannot heed, `unavailable` when it is missing, naming what to pull. Loads what it needs. */
  prepare(options: SynthesisOptions, signal: AbortSignal): Promise<void>
  /** The sound of a clause, in order, as it comes. Leaving the loop ends the work. */
  say(clause: string, options: SynthesisOptions, signal: AbortSignal): AsyncIterable<Int16Array>
}
