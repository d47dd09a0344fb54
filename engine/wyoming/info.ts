import type { Language, LanguageModelStatus } from '../inference/language.ts'
import type { Recogniser, Speech, Voice } from '../inference/speech.ts'
import { wakeWords } from './wake-detection.ts'
import { whisperLanguages } from './whisper-languages.ts'

/** Home Assistant waits a second for what is here. */
const patienceMs = 500

/** Who made what, by backend. */
const makers: Readonly<Record<string, { readonly name: string; readonly url: string }>> = {
  pocketsphinx: { name: 'CMU Sphinx', url: 'https://github.com/cmusphinx/pocketsphinx' },
  'sherpa-onnx': { name: 'k2-fsa', url: 'https://github.com/k2-fsa/sherpa-onnx' },
  'espeak-ng': { name: 'eSpeak NG', url: 'https://github.com/espeak-ng/espeak-ng' },
  piper: { name: 'Piper', url: 'https://github.com/OHF-Voice/piper1-gpl' },
  hailo: { name: 'Hailo', url: 'https://hailo.ai' },
  llama: { name: 'llama.cpp', url: 'https://github.com/ggml-org/llama.cpp' },
  'silero-vad': { name: 'Silero', url: 'https://github.com/snakers4/silero-vad' },
}
const ourselves = { name: 'hailstream', url: '' }

/** What is told of. */
export interface InfoParts {
  readonly speech: Speech | undefined
  readonly language: Language | undefined
  /** Of the engine. */
  readonly version: string
}

type Info = Readonly<Record<string, unknown>>

/** Answers `describe`: what is here now, or, where that takes too long to find out, what was here last. */
export class InfoReader {
  readonly #parts: InfoParts
  #last: Info | undefined
  #reading: Promise<Info> | undefined

  constructor(parts: InfoParts) {
    this.#parts = parts
  }

  async read(): Promise<Info> {
    this.#reading ??= this.#readNow().finally(() => {
      this.#reading = undefined
    })
    const last = this.#last
    return last ? within(this.#reading, patienceMs, last) : this.#reading
  }

  async #readNow(): Promise<Info> {
    const { speech, language, version } = this.#parts
    const [recognisers = [], voices = [], models = []] = await Promise.all([
      speech?.recognisers(),
      speech?.synthesiser.voices(),
      language?.status(),
    ])
    const program = toProgram(version)
    this.#last = {
      asr: program('Speech to text', { models: recognisers.map(toAsrModel), ...asr }),
      tts: program('Text to speech', {
        voices: voices.filter(isHere).map(toVoice),
        supports_synthesize_streaming: true,
      }),
      handle: program('Answers by a language model', { models: models.filter(canChat).map(toHandleModel), ...handles }),
      vad: program('Voice activity', {
        models: speech ? [toArtifact(speech.detector.name, speech.detector.name)] : [],
      }),
      wake: program('Wake words', {
        models: speech && speech.spotter.missing === undefined ? wakeWords.map(toWakeModel) : [],
      }),
      ...{ intent: [], mic: [], snd: [] },
    }
    return this.#last
  }
}

const asr = { supports_transcript_streaming: true, requires_external_vad: true }
/** What a model says in a home's name is not done by it. */
const handles = { supports_handled_streaming: true, supports_home_control: false }

/** One program of each kind, since Home Assistant looks at the first only; none without a model. */
function toProgram(version: string) {
  return (description: string, parts: Readonly<Record<string, unknown>>): object[] => {
    const { models, voices } = parts as { models?: unknown[]; voices?: unknown[] }
    if ((models ?? voices ?? []).length === 0) return []
    return [{ name: 'hailstream', description, attribution: ourselves, installed: true, version, ...parts }]
  }
}

function toArtifact(name: string, backend: string): object {
  const attribution = makers[backend] ?? { name: backend, url: '' }
  return { name, description: name, attribution, installed: true, version: null }
}

function toAsrModel({ name, backend, languages }: Recogniser): object {
  return { ...toArtifact(name, backend), languages: languages === 'any' ? whisperLanguages : languages }
}

function toVoice({ name, backend, language, speakers }: Voice): object {
  const named = speakers.length === 0 ? null : speakers.map((speaker) => ({ name: speaker }))
  return { ...toArtifact(name, backend), languages: [language], speakers: named }
}

/** Without a language: nobody says which ones a model understands, and Home Assistant takes none for all. */
function toHandleModel({ name, backend }: LanguageModelStatus): object {
  return { ...toArtifact(name, backend), languages: [] }
}

/** The spotter's dictionary is English. */
function toWakeModel(phrase: string): object {
  return { ...toArtifact(phrase, 'pocketsphinx'), languages: ['en'], phrase }
}

function isHere({ state }: Voice): boolean {
  return state === 'available'
}

function canChat({ state, capabilities }: LanguageModelStatus): boolean {
  return (state === 'available' || state === 'loaded' || state === 'loading') && capabilities.chat
}

async function within<T>(work: Promise<T>, ms: number, otherwise: T): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<T>((resolve) => {
    timer = setTimeout(() => resolve(otherwise), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
