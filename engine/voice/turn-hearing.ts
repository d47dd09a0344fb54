import { setTimeout as wait } from 'node:timers/promises'
import { EngineError } from '../errors.ts'
import { type Recogniser, type RecogniserOptions, type RecogniserStream, speechRate } from '../inference/speech.ts'
import { unlessAborted } from '../inference/unless-aborted.ts'
import type { SoundBuffer } from './sound-buffer.ts'

/** Samples given to a recogniser at once: half a second. */
const pieceSamples = speechRate / 2
/** A recogniser that is behind is asked again so much later. */
const behindMs = 50

/** What a turn is heard with. */
export interface TurnHearingOptions {
  readonly sound: SoundBuffer
  /** The place of its first sample. */
  readonly from: number
  readonly recogniser: () => Promise<Recogniser>
  readonly options: RecogniserOptions
  readonly onPartial: (text: string) => void
  readonly onText: (text: string) => void
  readonly onFailure: (error: unknown) => void
}

/** Gives a turn's sound to a recogniser, from its beginning as it comes, until its end is known. */
export class TurnHearing {
  readonly #options: TurnHearingOptions
  readonly #closing = new AbortController()
  /** Resolves when nothing works for it any more. */
  readonly ended: Promise<void>
  #place: number
  #to: number | undefined
  #wake: () => void = () => undefined

  constructor(options: TurnHearingOptions) {
    this.#options = options
    this.#place = options.from
    this.ended = this.#run()
  }

  /** Sound before this place was given to the recogniser. */
  get place(): number {
    return this.#place
  }

  /** More sound has come. */
  wake(): void {
    this.#wake()
  }

  /** The turn ends at this place: its text follows. */
  finish(to: number): void {
    this.#to = to
    this.#wake()
  }

  /** Nobody wants its text. */
  abort(): void {
    this.#closing.abort()
    this.#wake()
  }

  async #run(): Promise<void> {
    try {
      const stream = await this.#open()
      try {
        void this.#readPartials(stream)
        await this.#feed(stream)
        if (!this.#closing.signal.aborted) await this.#tellText(stream)
      } finally {
        await stream[Symbol.asyncDispose]()
      }
    } catch (error) {
      if (!this.#closing.signal.aborted) this.#options.onFailure(error)
    }
  }

  async #open(): Promise<RecogniserStream> {
    const { recogniser, options } = this.#options
    const opening = recogniser().then((found) => found.open({ ...options, isTurn: true }))
    try {
      return await unlessAborted(opening, this.#closing.signal)
    } catch (error) {
      // It may open later than somebody wants it.
      opening.then((stream) => stream[Symbol.asyncDispose]()).catch(() => undefined)
      throw error
    }
  }

  async #readPartials(stream: RecogniserStream): Promise<void> {
    try {
      for await (const { stable, tentative } of stream.partials) {
        if (this.#closing.signal.aborted) return
        const text = [stable, tentative].filter((part) => part !== '').join(' ')
        if (text !== '' && this.#to === undefined) this.#options.onPartial(text)
      }
    } catch {
      // Whoever waits for the text hears of it.
    }
  }

  async #feed(stream: RecogniserStream): Promise<void> {
    const { sound } = this.#options
    while (!this.#closing.signal.aborted && this.#place < (this.#to ?? Number.POSITIVE_INFINITY)) {
      const end = Math.min(sound.end, this.#to ?? sound.end, this.#place + pieceSamples)
      if (end > this.#place) await this.#push(stream, end)
      else if (this.#to !== undefined) return
      else await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  async #push(stream: RecogniserStream, end: number): Promise<void> {
    const samples = this.#options.sound.read(this.#place, end - this.#place)
    try {
      if (samples.length > 0) stream.push(samples)
      this.#place = end
    } catch (error) {
      if (!(error instanceof EngineError) || error.code !== 'busy') throw error
      await wait(behindMs, undefined, { signal: this.#closing.signal })
    }
  }

  async #tellText(stream: RecogniserStream): Promise<void> {
    const segments = await unlessAborted(stream.finish(), this.#closing.signal)
    const texts = segments.map(({ text }) => text.trim()).filter((text) => text !== '')
    this.#options.onText(texts.join(' '))
  }
}
