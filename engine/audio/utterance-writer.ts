import { stepMs } from '../inference/endpointer.ts'
import type { Recogniser, RecogniserOptions, RecogniserStream, SpokenSegment } from '../inference/speech.ts'
import type { WatchedStep } from './voice-watch.ts'

/** Sound from before the beginning of speech: the detector is sure a little late, and words begin softly. Milliseconds. */
const leadMs = 320
/** Utterances that may be recognised at once, with the one that is being said. */
const maxUtterances = 3

/** What was recognised of an utterance, so far or for good. */
export interface WrittenText {
  readonly text: string
  readonly final: boolean
  readonly language: string | null
}

/** What an utterance writer works with, and whom it tells. */
export interface UtteranceWriterOptions {
  readonly recogniser: Recogniser
  readonly options: RecogniserOptions
  /** A speaker without a pause is recognised in pieces of so many milliseconds. */
  readonly longestMs: number
  /** Partial texts only grow; the last of an utterance is `final`. Utterances come in their order. */
  readonly onText: (text: WrittenText) => void
  /** One utterance was not recognised; the next one will be tried. */
  readonly onFailure: (error: unknown) => void
}

/** An utterance on its way to a recogniser. */
interface Utterance {
  readonly stream: RecogniserStream
  steps: number
}

/** Writes down what is said: each utterance with its partial texts, then as a whole. Disposing it gives up what is not written. */
export class UtteranceWriter implements AsyncDisposable {
  readonly #options: UtteranceWriterOptions
  #lead: Float32Array[] = []
  #open: Utterance | undefined
  /** Those that are being finished, the oldest first. */
  readonly #finishing: { readonly stream: RecogniserStream; readonly done: Promise<void> }[] = []
  #isClosed = false

  constructor(options: UtteranceWriterOptions) {
    this.#options = options
  }

  /** The next step; resolves when the one after may come. */
  async write({ samples, change }: WatchedStep): Promise<void> {
    if (change === 'start') await this.#begin()
    if (this.#open) this.#push(this.#open, samples)
    else this.#keep(samples)
    const isTooLong = this.#open !== undefined && this.#open.steps * stepMs >= this.#options.longestMs
    if (change === 'end' || isTooLong) this.#end()
    if (isTooLong && change !== 'end') await this.#begin()
  }

  /** No more steps: resolves when all was told. */
  async finish(): Promise<void> {
    this.#end()
    await this.#finishing.at(-1)?.done
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    const streams = [...this.#finishing.map(({ stream }) => stream), ...(this.#open ? [this.#open.stream] : [])]
    this.#open = undefined
    await Promise.all(streams.map((stream) => stream[Symbol.asyncDispose]()))
    await Promise.all(this.#finishing.map(({ done }) => done))
  }

  #keep(samples: Float32Array): void {
    this.#lead.push(samples)
    if (this.#lead.length * stepMs > leadMs) this.#lead.shift()
  }

  async #begin(): Promise<void> {
    while (this.#finishing.length >= maxUtterances - 1) await this.#finishing[0]?.done
    const stream = await this.#options.recogniser.open(this.#options.options)
    if (this.#isClosed) return await stream[Symbol.asyncDispose]()
    const utterance = { stream, steps: 0 }
    this.#open = utterance
    for (const samples of this.#lead.splice(0)) this.#push(utterance, samples)
    void this.#tellPartials(stream)
  }

  #push(utterance: Utterance, samples: Float32Array): void {
    utterance.steps++
    utterance.stream.push(samples.slice())
  }

  async #tellPartials(stream: RecogniserStream): Promise<void> {
    let told = ''
    try {
      for await (const { stable } of stream.partials) {
        // Utterances come in their order: this one's wait while an earlier one is being written.
        const isFirst = (this.#finishing[0]?.stream ?? this.#open?.stream) === stream
        if (stable === told || !isFirst || this.#isClosed) continue
        told = stable
        this.#options.onText({ text: stable, final: false, language: this.#options.options.language ?? null })
      }
    } catch {
      // Whoever finishes the utterance hears of it.
    }
  }

  #end(): void {
    const utterance = this.#open
    if (!utterance) return
    this.#open = undefined
    const before = this.#finishing.at(-1)?.done
    const one = { stream: utterance.stream, done: this.#finish(utterance.stream, before) }
    this.#finishing.push(one)
    void one.done.then(() => this.#finishing.splice(this.#finishing.indexOf(one), 1))
  }

  async #finish(stream: RecogniserStream, before: Promise<void> | undefined): Promise<void> {
    const { onText, onFailure } = this.#options
    try {
      const segments = await stream.finish()
      await before
      const text = textOf(segments)
      if (text !== '' && !this.#isClosed) onText({ text, final: true, language: segments[0]?.language ?? null })
    } catch (error) {
      await before
      if (!this.#isClosed) onFailure(error)
    } finally {
      await stream[Symbol.asyncDispose]()
    }
  }
}

function textOf(segments: readonly SpokenSegment[]): string {
  return segments
    .map(({ text }) => text.trim())
    .filter((text) => text !== '')
    .join(' ')
}
