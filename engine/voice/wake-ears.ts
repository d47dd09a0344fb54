import type { EngineError } from '../errors.ts'
import { type KeywordSpotter, type KeywordSpotting, type SpottedWord, speechRate } from '../inference/speech.ts'
import type { VoiceNotice } from './voice-output.ts'
import type { VoiceSession } from './voice-session.ts'
import { type GateAction, WakeGate, type WakeGateOptions } from './wake-gate.ts'

/** What the turn topic tells of wake and stop words. */
export type WakeEvent = { readonly name: 'awake' | 'stopped'; readonly word: string } | { readonly name: 'asleep' }

/** What ears with wake and stop words are made of. */
export interface WakeEarsOptions extends WakeGateOptions {
  readonly spotter: KeywordSpotter
  readonly threshold?: number | undefined
  /** Gets the sound, and is told to stop. Its owner's. */
  readonly session: Pick<VoiceSession, 'push' | 'tell'>
  readonly onEvent: (event: WakeEvent) => void
  /** Words are heard no more; told once. */
  readonly onFailure: (error: EngineError) => void
}

/** Hands the sound on to a voice session while it is awake, and interrupts it by stop words. Whoever opened it disposes it. */
export class WakeEars implements AsyncDisposable {
  readonly #options: WakeEarsOptions
  readonly #gate: WakeGate
  #spotting: KeywordSpotting | undefined
  #isClosed = false

  private constructor(options: WakeEarsOptions) {
    this.#options = options
    this.#gate = new WakeGate(options)
  }

  /** Throws what the spotter does: `invalid` for a word that it does not know, `unavailable`. */
  static async open(options: WakeEarsOptions): Promise<WakeEars> {
    const { spotter, wake, stop, threshold, onFailure } = options
    const ears = new WakeEars(options)
    ears.#spotting = await spotter.open([...new Set([...wake, ...stop])], {
      onSpotted: (word) => ears.#spot(word),
      onFailure,
      ...(threshold !== undefined && { threshold }),
    })
    if (!ears.#gate.isAwake) options.onEvent({ name: 'asleep' })
    return ears
  }

  /** 16 kHz mono. Throws what spotter and session throw: then the samples were not taken. */
  hear(samples: Int16Array): void {
    this.#spotting?.push(samples)
    this.#do(this.#gate.hear(samples))
  }

  heed(notice: VoiceNotice): void {
    const actions = this.#gate.heed(notice)
    // A session is not told anything while it tells.
    if (actions.length > 0) setImmediate(() => this.#do(actions))
  }

  played(): void {
    this.#gate.played()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    await this.#spotting?.[Symbol.asyncDispose]()
  }

  #spot(word: SpottedWord): void {
    this.#do(this.#gate.spot(word))
  }

  #do(actions: readonly GateAction[]): void {
    if (this.#isClosed) return
    for (const action of actions) this.#act(action)
  }

  #act(action: GateAction): void {
    const { session, onEvent } = this.#options
    switch (action.type) {
      case 'pass':
        session.push(action.samples, speechRate)
        break
      case 'stop':
        session.tell({ type: 'interrupt' })
        session.tell({ type: 'clear' })
        onEvent({ name: 'stopped', word: action.word })
        break
      case 'delete-item':
        session.tell({ type: 'delete-item', item: action.item })
        break
      case 'awake':
        onEvent({ name: 'awake', word: action.word })
        break
      default:
        onEvent({ name: 'asleep' })
    }
  }
}
