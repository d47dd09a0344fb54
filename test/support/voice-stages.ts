import { EngineError } from '../../engine/errors.ts'
import type {
  Embeddings,
  Language,
  LanguageEvent,
  LanguageModelStatus,
  LanguageRequest,
  ToolCall,
} from '../../engine/inference/language.ts'
import {
  type Recogniser,
  type RecogniserStream,
  type Speech,
  type SpokenSegment,
  type SpokenSound,
  type SynthesisOptions,
  speechRate,
  type Voice,
  type VoiceDetection,
} from '../../engine/inference/speech.ts'

/** A wait that fake timers control, and that a signal ends. */
export function pass(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = () => {
      clearTimeout(timer)
      reject(new EngineError('cancelled', 'The caller left'))
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', leave)
      resolve()
    }, ms)
    if (signal?.aborted) leave()
    signal?.addEventListener('abort', leave, { once: true })
  })
}

/** Delays of the stages, in milliseconds. */
export interface StageDelays {
  /** Of a transcript, after the end of its sound. */
  readonly recognise: number
  /** To the first token, and from one to the next. */
  readonly firstToken: number
  readonly token: number
  /** To the first sound of a clause; the rest of it takes as long again for each further second. */
  readonly voice: number
}

const usualDelays: StageDelays = { recognise: 100, firstToken: 200, token: 20, voice: 50 }
/** Of the fake voice: a letter takes so many milliseconds. */
export const msPerLetter = 50
export const voiceRate = 24_000

/** What an answer is made of: texts of a token each, or calls. */
export type Answer = readonly (string | ToolCall)[]

/** Speech and language of fixed delays and scripted words: loud samples are speech, zeros are silence. */
export class VoiceStages {
  delays: StageDelays = usualDelays
  /** What the next turns are heard as; what is silent is heard as nothing. */
  readonly transcripts: string[] = []
  /** Hypotheses while somebody speaks, one for each 200 ms of sound. */
  partials: readonly string[] = []
  /** What the model answers, one after the other; the last one again and again. */
  answers: Answer[] = [['Hello ', 'there. ']]
  /** What the voice says each text with, by the place of the sample. */
  sampleAt: (at: number) => number = () => 1000
  /** Stages that never answer. */
  readonly hanging = new Set<'recogniser' | 'language' | 'synthesiser'>()
  readonly failing = new Map<'recogniser' | 'language' | 'synthesiser' | 'load', EngineError>()
  readonly requests: LanguageRequest[] = []
  readonly spoken: { readonly text: string; readonly options: SynthesisOptions }[] = []
  readonly heard: Float32Array[] = []
  /** Works that go on now. */
  readonly working = { detections: 0, streams: 0, generations: 0, voices: 0 }

  readonly speech: Speech = {
    recognisers: async () => [this.#recogniser()],
    recogniser: async () => this.#recogniser(),
    synthesiser: {
      voices: async () => [fakeVoice('fake-en'), fakeVoice('fake-de')],
      speak: (text, options, signal) => this.#speak(String(text), options, signal),
    },
    spotter: { missing: 'none here', open: () => Promise.reject(new Error('Expected no keyword spotter')) },
    detector: { name: 'loudness', open: async () => this.#openDetection() },
  }

  readonly language: Language = {
    status: async () => [modelStatus],
    find: async () => modelStatus,
    generate: (_name, request, _use, signal) => this.#generate(request, signal),
    embed: (): Promise<Embeddings> => Promise.reject(new Error('Expected no embedding')),
    load: async () => this.#load(),
    unload: async () => undefined,
    keepAlive: () => undefined,
  }

  #load(): number {
    const failure = this.failing.get('load')
    if (failure) throw failure
    return 0
  }

  #openDetection(): VoiceDetection {
    this.working.detections++
    let isOpen = true
    return {
      next: async (samples) => (samples.some((value) => Math.abs(value) > 0.05) ? 0.95 : 0.02),
      reset: () => undefined,
      [Symbol.asyncDispose]: async () => {
        if (isOpen) this.working.detections--
        isOpen = false
      },
    }
  }

  #recogniser(): Recogniser {
    return {
      ...{ name: 'fake-ears', backend: 'fake', simulated: false, accuracy: 'high', translates: false },
      languages: 'any',
      transcribe: () => {
        throw new Error('Expected a stream')
      },
      open: async () => this.#openStream(),
    }
  }

  #openStream(): RecogniserStream {
    this.working.streams++
    const failure = this.failing.get('recogniser')
    const [parts, closing]: [Float32Array[], AbortController] = [[], new AbortController()]
    const hypotheses = new Hypotheses(closing.signal)
    const finish = async (): Promise<SpokenSegment[]> => {
      if (this.hanging.has('recogniser')) await pass(1e9, closing.signal)
      await pass(this.delays.recognise, closing.signal)
      if (failure) throw failure
      const samples = Float32Array.from(parts.flatMap((part) => [...part]))
      this.heard.push(samples)
      const text = samples.some((value) => Math.abs(value) > 0.05) ? (this.transcripts.shift() ?? 'hello') : ''
      return text === '' ? [] : [{ text, start: 0, end: samples.length / speechRate, words: [], language: 'en' }]
    }
    return {
      push: (samples) => {
        parts.push(samples)
        const ms = (parts.reduce((sum, { length }) => sum + length, 0) * 1000) / speechRate
        hypotheses.offer(this.partials.slice(0, Math.floor(ms / 200)))
      },
      partials: hypotheses.read(),
      finish,
      [Symbol.asyncDispose]: async () => {
        if (!closing.signal.aborted) this.working.streams--
        closing.abort()
      },
    }
  }

  async *#generate(request: LanguageRequest, signal: AbortSignal): AsyncGenerator<LanguageEvent> {
    this.requests.push(request)
    this.working.generations++
    try {
      if (this.hanging.has('language')) await pass(1e9, signal)
      const failure = this.failing.get('language')
      const answer = (this.answers.length > 1 ? this.answers.shift() : this.answers[0]) ?? []
      await pass(this.delays.firstToken, signal)
      if (failure) throw failure
      let tokens = 0
      for (const part of answer) {
        if (tokens++ > 0) await pass(this.delays.token, signal)
        yield typeof part === 'string' ? { type: 'text', text: part, tokens: 1 } : { type: 'tool-call', call: part }
      }
      const times = { queuedMs: 0, loadMs: 0, promptMs: this.delays.firstToken, answerMs: tokens * this.delays.token }
      yield {
        type: 'done',
        reason: 'stop',
        usage: { promptTokens: 7, cachedTokens: 2, answerTokens: tokens, ...times },
      }
    } finally {
      this.working.generations--
    }
  }

  async #speak(text: string, options: SynthesisOptions, signal: AbortSignal): Promise<SpokenSound> {
    const failure = this.failing.get('synthesiser')
    if (failure) throw failure
    if (text !== '') this.spoken.push({ text, options })
    const chunks = this.#say(text, signal)
    return { voice: options.voice ?? 'fake-en', backend: 'fake', sampleRate: voiceRate, chunks }
  }

  async *#say(text: string, signal: AbortSignal): AsyncGenerator<Int16Array> {
    this.working.voices++
    try {
      if (this.hanging.has('synthesiser')) await pass(1e9, signal)
      const all = (text.length * msPerLetter * voiceRate) / 1000
      for (let at = 0; at < all; at += voiceRate) {
        await pass(this.delays.voice, signal)
        yield Int16Array.from({ length: Math.min(all - at, voiceRate) }, (_, i) => this.sampleAt(at + i))
      }
    } finally {
      this.working.voices--
    }
  }
}

/** Growing texts, each once. */
class Hypotheses {
  #texts: readonly string[] = []
  #wake: () => void = () => undefined
  readonly #signal: AbortSignal

  constructor(signal: AbortSignal) {
    this.#signal = signal
    signal.addEventListener('abort', () => this.#wake(), { once: true })
  }

  offer(texts: readonly string[]): void {
    this.#texts = texts
    this.#wake()
  }

  async *read(): AsyncGenerator<{ readonly stable: string; readonly tentative: string }> {
    for (let told = 0; !this.#signal.aborted; ) {
      const text = this.#texts[told]
      if (text === undefined) await new Promise<void>((resolve) => (this.#wake = resolve))
      else {
        told++
        yield { stable: '', tentative: text }
      }
    }
  }
}

function fakeVoice(name: string): Voice {
  return {
    name,
    backend: 'fake',
    language: 'en-US',
    state: 'available',
    why: 'fake',
    sampleRate: voiceRate,
    speakers: [],
  }
}

const modelStatus: LanguageModelStatus = {
  ...{ name: 'fake-model', aliases: [], backend: 'fake', state: 'loaded', why: 'fake', simulated: false },
  capabilities: {
    vision: false,
    tools: true,
    thinking: false,
    schema: false,
    completion: true,
    embedding: false,
    chat: true,
  },
  ...{ contextLength: 2048, licence: 'MIT', bytes: null, modifiedAt: null, sha256: null, format: 'gguf', family: null },
  ...{ parameters: null, quantisation: null, memoryBytes: null, expiresAt: null },
}
