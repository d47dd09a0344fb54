import { stepMs } from './endpointer.ts'

/** A stretch of steps of the voice detector, `to` excluded. */
export interface StepSpan {
  readonly from: number
  readonly to: number
}

/** A window that is recognised at once, and the speech in it. */
export interface StepWindow extends StepSpan {
  readonly speech: readonly StepSpan[]
}

/** Where windows are cut. Times in milliseconds. */
export interface WindowOptions {
  /** Whisper's window on the Hailo device is 10 s; no window is longer. */
  readonly longestMs: number
  /** A window ends when nothing has been said for this long. */
  readonly silenceMs: number
  /** Kept before and after the speech: the detector hears a word a little late. */
  readonly paddingMs: number
  /** Shorter silences do not part two stretches of speech. */
  readonly gapMs: number
}
export const windowDefaults: WindowOptions = { longestMs: 10_000, silenceMs: 2000, paddingMs: 200, gapMs: 500 }

/** The probabilities at which speech begins and ends; Silero's own. */
const onAt = 0.5
const offBelow = 0.35

/**
 * Cuts audio into windows at silences, from the probabilities of a voice detector, step by step. Silence between windows is left out.
 * A window that grows too long is cut in the longest silence of its second half; in the least likely speech where there is none.
 */
export class WindowCutter {
  readonly #longest: number
  readonly #silence: number
  readonly #padding: number
  readonly #gap: number
  /** The first step of the window, or the earliest that it may have. */
  #from = 0
  /** Of the window's steps, from its first. Outside of a window: of the padding. */
  #probabilities: number[] = []
  #spans: { from: number; to: number }[] = []
  #speaking = false
  /** Whether somebody spoke before the window's first step. */
  #spokeBefore = false

  constructor(options: Partial<WindowOptions> = {}) {
    const { longestMs, silenceMs, paddingMs, gapMs } = { ...windowDefaults, ...options }
    const steps = (ms: number) => Math.max(1, Math.floor(ms / stepMs))
    this.#longest = steps(longestMs)
    this.#silence = steps(silenceMs)
    this.#padding = steps(paddingMs)
    this.#gap = steps(gapMs)
  }

  /** The next step. Gives the window that ends with it. */
  push(probability: number): StepWindow | undefined {
    this.#take(probability)
    const last = this.#spans.at(-1)
    if (!last) {
      this.#forgetSilence()
      return undefined
    }
    if (this.#next - last.to >= this.#silence) return this.#end(Math.min(last.to + this.#padding, this.#next))
    return this.#probabilities.length >= this.#longest ? this.#cut() : undefined
  }

  /** No more steps: gives the last window, where something is said in it. */
  finish(): StepWindow | undefined {
    const last = this.#spans.at(-1)
    return last && this.#end(Math.min(last.to + this.#padding, this.#next))
  }

  /** The number of the next step. */
  get #next(): number {
    return this.#from + this.#probabilities.length
  }

  #take(probability: number): void {
    const at = this.#next
    this.#probabilities.push(probability)
    this.#speaking = probability >= onAt || (this.#speaking && probability >= offBelow)
    if (!this.#speaking) return
    const last = this.#spans.at(-1)
    if (last && at - last.to < this.#gap) last.to = at + 1
    else this.#spans.push({ from: at, to: at + 1 })
  }

  #forgetSilence(): void {
    const more = this.#probabilities.length - this.#padding
    if (more <= 0) return
    this.#probabilities.splice(0, more)
    this.#from += more
  }

  #end(to: number): StepWindow {
    const window = { from: this.#from, to, speech: this.#spans }
    this.#restart(this.#next, this.#speaking)
    return window
  }

  #restart(from: number, speaking: boolean): void {
    this.#from = from
    this.#probabilities = []
    this.#spans = []
    this.#speaking = this.#spokeBefore = speaking
  }

  /** Ends the window within, and begins the next one with what is left. */
  #cut(): StepWindow {
    const { from, probabilities } = { from: this.#from, probabilities: this.#probabilities }
    const at = bestCut(probabilities)
    this.#restart(from, this.#spokeBefore)
    for (const probability of probabilities.slice(0, at)) this.#take(probability)
    const window = this.#end(from + at)
    for (const probability of probabilities.slice(at)) {
      this.#take(probability)
      if (this.#spans.length === 0) this.#forgetSilence()
    }
    return window
  }
}

/** The middle of the longest silence in the second half, else after its least likely speech. */
function bestCut(probabilities: readonly number[]): number {
  const half = Math.floor(probabilities.length / 2)
  let best = { from: 0, to: 0 }
  let run = half
  let least = half
  for (let i = half; i < probabilities.length; i++) {
    const probability = probabilities[i] ?? 0
    if (probability < (probabilities[least] ?? 0)) least = i
    if (probability >= offBelow) run = i + 1
    else if (i + 1 - run > best.to - best.from) best = { from: run, to: i + 1 }
  }
  return best.to > best.from ? Math.ceil((best.from + best.to) / 2) : least + 1
}
