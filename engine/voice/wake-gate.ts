import { type SpottedWord, speechRate } from '../inference/speech.ts'
import { RecentSound } from './recent-sound.ts'
import type { VoiceNotice } from './voice-output.ts'

/** A word is told at the pause after it: of what followed it, so much is kept for the conversation. */
const keptSeconds = 20
/** A turn or reply of which nothing was told for so long keeps nobody awake. */
const longestQuietSeconds = 120

/** What the gate opens and interrupts by. */
export interface WakeGateOptions {
  /** Empty: always awake. */
  readonly wake: readonly string[]
  readonly stop: readonly string[]
  /** Awake for so long, in milliseconds of sound, since anything was last said. */
  readonly followUpMs: number
}

/** What is to be done, in this order. */
export type GateAction =
  /** The conversation hears this; the samples are borrowed. */
  | { readonly type: 'pass'; readonly samples: Int16Array }
  | { readonly type: 'awake'; readonly word: string }
  | { readonly type: 'asleep' }
  /** The reply ends, and what is being said is no turn. */
  | { readonly type: 'stop'; readonly word: string }
  /** The stop word was taken for a turn: out of the conversation with it. */
  | { readonly type: 'delete-item'; readonly item: string }

/**
 * Stands between a microphone and a conversation: nothing passes until a wake word was heard, then all from its end on until nobody has said
 * anything for a while. Knows no clock: its time is the sound that came, at 16 kHz mono.
 */
export class WakeGate {
  readonly #options: WakeGateOptions
  readonly #recent = new RecentSound(keptSeconds * speechRate)
  /** All places are in samples since the beginning. */
  #passed = 0
  #activeAt = 0
  #isAwake: boolean
  readonly #busy = { speaking: false, owed: false, replying: false }
  #replyEnd = Number.NEGATIVE_INFINITY
  #committed: { readonly item: string; readonly at: number; readonly isTranscribed: boolean } | undefined
  #unwanted: string | undefined

  constructor(options: WakeGateOptions) {
    this.#options = options
    this.#isAwake = options.wake.length === 0
  }

  get isAwake(): boolean {
    return this.#isAwake
  }

  /** More sound, each sample once. */
  hear(samples: Int16Array): GateAction[] {
    this.#recent.append(samples)
    if (!this.#isAwake) return []
    this.#passed = this.#recent.end
    const pass: GateAction = { type: 'pass', samples }
    return this.#isAtRest() ? [pass, this.#fallAsleep()] : [pass]
  }

  /** A word of the two lists was heard; it may be told late. */
  spot({ word, start, end }: SpottedWord): GateAction[] {
    const { wake, stop } = this.#options
    if (this.#isAwake) return stop.includes(word) && this.#stops(start) ? this.#stop(word, start) : []
    return wake.includes(word) ? this.#awake(word, end) : []
  }

  /** What the conversation told. */
  heed(notice: VoiceNotice): GateAction[] {
    this.#activeAt = this.#recent.end
    const busy = this.#busy
    switch (notice.type) {
      case 'speech-started':
        busy.speaking = true
        break
      case 'speech-stopped':
        busy.speaking = false
        break
      case 'committed':
        busy.owed = true
        this.#committed = { item: notice.item, at: this.#recent.end, isTranscribed: false }
        break
      case 'transcribed':
        return this.#transcribed(notice.item, notice.text)
      case 'transcription-failed':
      case 'stage-failed':
        busy.owed = false
        break
      case 'response-started':
        Object.assign(busy, { owed: false, replying: true })
        break
      case 'response-ended':
        busy.replying = false
        this.#replyEnd = this.#recent.end
        break
      default:
    }
    return []
  }

  /** A piece of a reply was just heard. */
  played(): void {
    this.#activeAt = this.#recent.end
    this.#replyEnd = this.#recent.end
  }

  #isAtRest(): boolean {
    const quiet = this.#recent.end - this.#activeAt
    const { speaking, owed, replying } = this.#busy
    const isBusy = (speaking || owed || replying) && quiet < longestQuietSeconds * speechRate
    return this.#options.wake.length > 0 && !isBusy && quiet >= (this.#options.followUpMs * speechRate) / 1000
  }

  #fallAsleep(): GateAction {
    this.#isAwake = false
    return { type: 'asleep' }
  }

  #awake(word: string, end: number): GateAction[] {
    this.#isAwake = true
    Object.assign(this.#busy, { speaking: false, owed: false, replying: false })
    // What was heard before it fell asleep is not heard again, however late the word is told.
    const samples = this.#recent.since(Math.max(this.#passed, Math.round(end * speechRate)))
    this.#passed = this.#activeAt = this.#recent.end
    return [{ type: 'awake', word }, ...(samples.length > 0 ? [{ type: 'pass', samples } as const] : [])]
  }

  /** The word itself may have interrupted the reply as any voice does, before it was known which word it is. */
  #stops(start: number): boolean {
    return this.#busy.replying || this.#replyEnd >= start * speechRate
  }

  #stop(word: string, start: number): GateAction[] {
    this.#activeAt = this.#recent.end
    this.#busy.owed = false
    const stop: GateAction = { type: 'stop', word }
    const committed = this.#committed
    if (!committed || committed.at < start * speechRate) return [stop]
    this.#committed = undefined
    if (committed.isTranscribed) return [stop, { type: 'delete-item', item: committed.item }]
    this.#unwanted = committed.item
    return [stop]
  }

  #transcribed(item: string, text: string): GateAction[] {
    if (text === '') this.#busy.owed = false
    const isUnwanted = item === this.#unwanted
    if (isUnwanted) this.#unwanted = undefined
    // Without a word the item is gone by itself.
    if (item === this.#committed?.item)
      this.#committed = text === '' ? undefined : { ...this.#committed, isTranscribed: true }
    return isUnwanted && text !== '' ? [{ type: 'delete-item', item }] : []
  }
}
