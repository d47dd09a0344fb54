import { setTimeout as wait } from 'node:timers/promises'
import { EngineError } from '../errors.ts'
import type { KeywordSpotting, Speech, SpottedWord } from '../inference/speech.ts'
import { type SendEvent, type SoundTaker, withContext } from './exchange.ts'
import type { RequestOf } from './requests.ts'

/** What is listened for when a client names nothing, and told of in `info`; any other words of the dictionary may be named. */
export const wakeWords = ['wake up robot', 'hello robot', 'hey robot', 'hey computer'] as const
/** A spotter that is as far behind as it may be is looked at so often. */
const lookAgainMs = 50
/** And takes more within this, or is broken. */
const behindDeadlineMs = 60_000

/** What a detection is made with. */
export interface WakeDetectionOptions {
  readonly speech: Speech
  readonly asked: RequestOf<'detect'>
  readonly send: SendEvent
  readonly signal: AbortSignal
}

/** Each wake word comes as `detection`, at the next pause; `not-detected` at the end of the sound when there was none. */
export class WakeDetection implements SoundTaker {
  readonly #options: WakeDetectionOptions
  #spotting: KeywordSpotting | undefined
  #sent: Promise<void> = Promise.resolve()
  #found = 0

  private constructor(options: WakeDetectionOptions) {
    this.#options = options
  }

  /** Throws `invalid` for words that it does not know, `unavailable` where there is no spotter. */
  static async open(options: WakeDetectionOptions): Promise<WakeDetection> {
    const detection = new WakeDetection(options)
    const names = options.asked.names ?? []
    detection.#spotting = await options.speech.spotter.open(names.length > 0 ? names : wakeWords, {
      onSpotted: (spotted) => detection.#tell(spotted),
    })
    return detection
  }

  async push(samples: Float32Array): Promise<void> {
    const whole = Int16Array.from(samples, (value) => Math.max(-32_768, Math.min(32_767, Math.round(value * 32_768))))
    const deadline = performance.now() + behindDeadlineMs
    while (!this.#pushed(whole)) {
      if (performance.now() > deadline)
        throw new EngineError('timeout', `Expected the keyword spotter to catch up within ${behindDeadlineMs / 1000} s`)
      await wait(lookAgainMs, undefined, { signal: this.#options.signal })
    }
  }

  async finish(): Promise<void> {
    const { send, asked } = this.#options
    await this.#spotting?.finish()
    await this.#sent
    if (this.#found === 0) await send('not-detected', withContext(asked.context))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#spotting?.[Symbol.asyncDispose]()
    await this.#sent.catch(() => undefined)
  }

  #pushed(samples: Int16Array): boolean {
    try {
      this.#spotting?.push(samples)
      return true
    } catch (error) {
      if (error instanceof EngineError && error.code === 'busy') return false
      throw error
    }
  }

  #tell({ word, end }: SpottedWord): void {
    const { send, asked } = this.#options
    this.#found++
    const told = { name: word, timestamp: Math.round(end * 1000), ...withContext(asked.context) }
    this.#sent = this.#sent.then(() => send('detection', told))
    // `finish` tells what went wrong, and a client that hung up needs nobody to tell.
    this.#sent.catch(() => undefined)
  }
}
