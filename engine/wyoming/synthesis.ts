import { EngineError } from '../errors.ts'
import type { Synthesiser, SynthesisOptions, Voice } from '../inference/speech.ts'
import type { SendEvent } from './exchange.ts'
import type { VoiceAsked } from './requests.ts'
import { primaryLanguage } from './transcription.ts'

/** A client that pauses within its sound gets it in pieces that its buffers hold. */
const chunkSamples = 4096
/** Characters that may wait to be spoken. */
const mostWaiting = 100_000

/** What speech is made with. */
export interface SynthesisParts {
  readonly synthesiser: Synthesiser
  readonly voice: VoiceAsked
  /** How it is spoken where neither voice nor language is asked for. */
  readonly unasked: SynthesisOptions
  readonly send: SendEvent
  readonly signal: AbortSignal
}

/** Text to speech: `audio-start`, pieces as they are made, `audio-stop`. The first comes before the end of the text is known. */
export async function speak(text: string | AsyncIterable<string>, parts: SynthesisParts): Promise<void> {
  const { synthesiser, voice, unasked, send, signal } = parts
  const options = { ...(isAsked(voice) ? {} : unasked), ...(await chooseVoice(synthesiser, voice)) }
  const { sampleRate, chunks } = await synthesiser.speak(text, options, signal)
  const format = { rate: sampleRate, width: 2, channels: 1 }
  let sent = 0
  const timestamp = () => Math.round((1000 * sent) / sampleRate)
  await send('audio-start', { ...format, timestamp: 0 })
  for await (const samples of chunks) {
    for (let at = 0; at < samples.length; at += chunkSamples) {
      const piece = samples.subarray(at, at + chunkSamples)
      const bytes = new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength)
      await send('audio-chunk', { ...format, timestamp: timestamp() }, bytes)
      sent += piece.length
    }
  }
  await send('audio-stop', { timestamp: timestamp() })
}

function isAsked({ name, language }: VoiceAsked): boolean {
  return Boolean(name || language)
}

async function chooseVoice(
  synthesiser: Synthesiser,
  { name, language, speaker }: VoiceAsked,
): Promise<SynthesisOptions> {
  const chosen = name ?? (language ? await voiceFor(synthesiser, language) : undefined)
  return { ...(chosen && { voice: chosen }), ...(speaker && { speaker }) }
}

/** The best voice of exactly this language, or of one of its kind: `en-GB` for `en`. */
async function voiceFor(synthesiser: Synthesiser, language: string): Promise<string> {
  const here = (await synthesiser.voices()).filter(({ state }) => state === 'available')
  const tag = language.replace('_', '-').toLowerCase()
  const primary = primaryLanguage(language)
  const isExact = (voice: Voice) => voice.language.toLowerCase() === tag
  const found = here.find(isExact) ?? here.find((voice) => primaryLanguage(voice.language) === primary)
  if (found) return found.name
  throw new EngineError('not-found', `Expected a language of a voice in info, received ${language}`)
}

/** Text that comes bit by bit, for one reader. */
export class TextStream implements AsyncIterable<string> {
  #waiting = ''
  #isEnded = false
  #wake: () => void = () => undefined

  /** Throws `busy` when too much would wait. */
  push(text: string): void {
    if (this.#waiting.length + text.length > mostWaiting)
      throw new EngineError('busy', `Expected at most ${mostWaiting} characters to wait to be spoken; send them later`)
    this.#waiting += text
    this.#wake()
  }

  end(): void {
    this.#isEnded = true
    this.#wake()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string, void, undefined> {
    for (;;) {
      while (this.#waiting === '' && !this.#isEnded) await new Promise<void>((resolve) => (this.#wake = resolve))
      if (this.#waiting === '') return
      const text = this.#waiting
      this.#waiting = ''
      yield text
    }
  }
}
