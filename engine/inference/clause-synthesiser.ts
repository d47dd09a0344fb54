import { EngineError } from '../errors.ts'
import { ClauseSplitter, isSpeakable, toSpeakable } from './clauses.ts'
import type { SpeakingVoice } from './speaking-voice.ts'
import type { SpokenSound, Synthesiser, SynthesisOptions, Voice } from './speech.ts'

/** A voice that could be here after a pull, as health and messages name it. */
export interface MissingVoice {
  readonly voice: Voice
  /** The model to pull. */
  readonly model: string
}

/** The voices of this machine, the best first. */
export interface VoiceList {
  readonly here: readonly SpeakingVoice[]
  readonly missing: readonly MissingVoice[]
}

/** Speaks text clause by clause, each when its reader has taken the one before: a reader that keeps some sound in hand never waits. */
export class ClauseSynthesiser implements Synthesiser {
  readonly #list: () => Promise<VoiceList>

  constructor(list: () => Promise<VoiceList>) {
    this.#list = list
  }

  async voices(): Promise<readonly Voice[]> {
    const { here, missing } = await this.#list()
    return [...here, ...missing].map(({ voice }) => voice)
  }

  async speak(
    text: string | AsyncIterable<string>,
    options: SynthesisOptions,
    signal: AbortSignal,
  ): Promise<SpokenSound> {
    const found = chooseVoice(await this.#list(), options.voice)
    await found.prepare(options, signal)
    const { name, backend, sampleRate } = found.voice
    return { voice: name, backend, sampleRate, chunks: sayAll(found, text, options, signal) }
  }
}

async function* sayAll(
  voice: SpeakingVoice,
  text: string | AsyncIterable<string>,
  options: SynthesisOptions,
  signal: AbortSignal,
): AsyncGenerator<Int16Array, void, undefined> {
  for await (const clause of clausesOf(text)) {
    if (signal.aborted) throw new EngineError('cancelled', 'The caller gave up')
    const speakable = toSpeakable(clause)
    if (isSpeakable(speakable)) yield* voice.say(speakable, options, signal)
  }
}

async function* clausesOf(text: string | AsyncIterable<string>): AsyncGenerator<string, void, undefined> {
  const splitter = new ClauseSplitter()
  if (typeof text === 'string') yield* splitter.push(text)
  else for await (const part of text) yield* splitter.push(part)
  yield* splitter.finish()
}

function chooseVoice({ here, missing }: VoiceList, name: string | undefined): SpeakingVoice {
  if (name === undefined) {
    const [best] = here
    if (best) return best
    throw new EngineError(
      'unavailable',
      `Expected a voice, found none. Try: sudo apt install espeak-ng, or hailstream models pull ${missing[0]?.model}`,
    )
  }
  const found = here.find(({ voice, aliases }) => voice.name === name || aliases.includes(name))
  if (found) return found
  const absent = missing.find(({ voice, model }) => voice.name === name || model === name)
  if (absent)
    throw new EngineError(
      'unavailable',
      `Expected the voice ${name}: ${absent.voice.why}. Try: hailstream models pull ${absent.model}`,
    )
  const names = here.slice(0, 12).map(({ voice }) => voice.name)
  throw new EngineError('not-found', `Expected a voice (${names.join(', ')}, …), received ${name}`)
}
