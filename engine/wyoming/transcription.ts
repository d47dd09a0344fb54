import { setTimeout as wait } from 'node:timers/promises'
import { EngineError } from '../errors.ts'
import type { Recogniser, RecogniserStream, Speech, SpokenSegment } from '../inference/speech.ts'
import { type SendEvent, type SoundTaker, withContext } from './exchange.ts'
import type { RequestOf } from './requests.ts'

/** A recogniser that is as far behind as it may be is looked at so often. */
const lookAgainMs = 50
/** And takes more within this, or is broken: it may be busy with others. */
const behindDeadlineMs = 120_000

type Asked = RequestOf<'transcribe'>

/** What a transcription is made with. */
export interface TranscriptionOptions {
  readonly speech: Speech
  readonly asked: Asked
  readonly send: SendEvent
  readonly signal: AbortSignal
}

/** Speech to text: what is certain comes as `transcript-chunk` while one speaks, the whole at the end as `transcript`. */
export class Transcription implements SoundTaker {
  readonly #options: TranscriptionOptions
  readonly #stream: RecogniserStream
  readonly #telling: Promise<void>
  #told = ''
  /** Nobody waits for the text any more. */
  readonly #giveUp = () => void this[Symbol.asyncDispose]()

  private constructor(options: TranscriptionOptions, stream: RecogniserStream) {
    this.#options = options
    this.#stream = stream
    this.#telling = this.#tell()
    // `finish` throws what went wrong, and a client that hung up needs nobody to tell.
    this.#telling.catch(() => undefined)
    options.signal.addEventListener('abort', this.#giveUp, { once: true })
    if (options.signal.aborted) this.#giveUp()
  }

  /** Throws `not-found` for an unknown recogniser, `unavailable` when there is none, `invalid` for a language that none knows. */
  static async open(options: TranscriptionOptions): Promise<Transcription> {
    const { speech, asked, send } = options
    const language = asked.language ? primaryLanguage(asked.language) : undefined
    const recogniser = await chooseRecogniser(speech, asked.name ?? undefined, language)
    const stream = await recogniser.open(language === undefined ? {} : { language })
    const transcription = new Transcription(options, stream)
    try {
      await send('transcript-start', { ...(language && { language }), ...withContext(asked.context) })
      return transcription
    } catch (error) {
      await transcription[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Sound that comes faster than it is recognised waits here. */
  async push(samples: Float32Array): Promise<void> {
    const deadline = performance.now() + behindDeadlineMs
    while (!this.#pushed(samples)) {
      if (performance.now() > deadline)
        throw new EngineError('timeout', `Expected the recogniser to catch up within ${behindDeadlineMs / 1000} s`)
      await wait(lookAgainMs, undefined, { signal: this.#options.signal })
    }
  }

  async finish(): Promise<void> {
    const { send, asked } = this.#options
    const segments = await this.#stream.finish()
    await this.#telling
    const text = segments.map((segment) => segment.text).join(' ')
    await this.#tellGrowth(text)
    const language = languageOf(segments)
    await send('transcript', { text, ...(language && { language }), ...withContext(asked.context) })
    await send('transcript-stop')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#options.signal.removeEventListener('abort', this.#giveUp)
    await this.#stream[Symbol.asyncDispose]()
    await this.#telling.catch(() => undefined)
  }

  #pushed(samples: Float32Array): boolean {
    try {
      this.#stream.push(samples)
      return true
    } catch (error) {
      if (error instanceof EngineError && error.code === 'busy') return false
      throw error
    }
  }

  async #tell(): Promise<void> {
    for await (const { stable } of this.#stream.partials) await this.#tellGrowth(stable)
  }

  /** What was sent is never taken back: a text that goes another way is told by `transcript` alone. */
  async #tellGrowth(text: string): Promise<void> {
    if (!text.startsWith(this.#told) || text === this.#told) return
    const growth = text.slice(this.#told.length)
    this.#told = text
    await this.#options.send('transcript-chunk', { text: growth })
  }
}

/** As recognisers know languages: `en` of `en-US` and `en_US`. */
export function primaryLanguage(language: string): string {
  return (language.split(/[-_]/)[0] ?? language).toLowerCase()
}

async function chooseRecogniser(
  speech: Speech,
  name: string | undefined,
  language: string | undefined,
): Promise<Recogniser> {
  const best = await speech.recogniser(name)
  if (name !== undefined || language === undefined) return best
  const all = [best, ...(await speech.recognisers())]
  return all.find(({ languages }) => languages === 'any' || languages.includes(language)) ?? best
}

function languageOf(segments: readonly SpokenSegment[]): string | undefined {
  return segments.find(({ language }) => language !== null)?.language ?? undefined
}
