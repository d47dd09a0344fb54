import type { EngineError } from '../errors.ts'

/** Samples a second of all audio that is recognised: mono float32, −1 to 1. */
export const speechRate = 16_000

/** A word and when it was said: seconds from the first sample. Confidence 0 to 1 where the recogniser tells. */
export interface SpokenWord {
  readonly text: string
  readonly start: number
  readonly end: number
  readonly confidence?: number
}

/** A stretch of speech: seconds from the first sample. */
export interface SpokenSegment {
  readonly text: string
  readonly start: number
  readonly end: number
  /** Where the recogniser tells; else empty. */
  readonly words: readonly SpokenWord[]
  /** As ISO 639-1, where it was asked for or found. */
  readonly language: string | null
}

/** How speech is recognised. */
export interface RecogniserOptions {
  /** ISO 639-1; left out: found, where the recogniser can, else its own. Throws `invalid` for one that it does not know. */
  readonly language?: string
  /** To English; `invalid` where the recogniser cannot. */
  readonly translate?: boolean
  /** Words that are likely; `invalid` where the recogniser cannot heed them. */
  readonly prompt?: string
  /** Of a stream: it is one turn of a conversation, whose end the caller knows. Pauses within it do not end what is said: it is understood as a whole. */
  readonly isTurn?: boolean
}

/** Speech that comes bit by bit. Whoever opened it disposes it. */
export interface RecogniserStream extends AsyncDisposable {
  /** Takes samples; the array is the stream's from then on. Throws `busy` when it is more than 30 s behind. */
  push(samples: Float32Array): void
  /** The text so far: what is `stable` will not change any more. Each time it has changed. */
  readonly partials: AsyncIterable<{ readonly stable: string; readonly tentative: string }>
  /** No more samples: resolves with everything that was said. */
  finish(): Promise<readonly SpokenSegment[]>
}

/** Speech in, words out. */
export interface Recogniser {
  /** As `/api/models` names it. */
  readonly name: string
  readonly backend: string
  readonly simulated: boolean
  readonly languages: readonly string[] | 'any'
  readonly translates: boolean
  /** `high`, or `low` where it is there only because it needs no download. */
  readonly accuracy: 'high' | 'low'
  /** Whole audio of any length, at most an hour; segments as they are found. The samples are borrowed until the end. */
  transcribe(samples: Float32Array, options: RecogniserOptions, signal: AbortSignal): AsyncIterable<SpokenSegment>
  open(options: RecogniserOptions): Promise<RecogniserStream>
  /** Loads its model before anybody speaks, and throws where it cannot be loaded. Left out: there is nothing to load. */
  warm?(signal: AbortSignal): Promise<void>
}

/** A voice of a synthesiser. */
export interface Voice {
  /** As `en_US-lessac-medium`, or espeak-ng's `en-us`. */
  readonly name: string
  readonly backend: string
  /** As BCP 47, `en-US`. */
  readonly language: string
  readonly state: 'available' | 'missing'
  readonly why: string
  /** Samples a second of its sound. */
  readonly sampleRate: number
  /** Names of its speakers; empty for one. */
  readonly speakers: readonly string[]
}

/** How text is spoken. */
export interface SynthesisOptions {
  /** Left out: the best one for the language that is there. */
  readonly voice?: string
  readonly speaker?: string
  /** 0.25 to 4; 1 is the voice's own. */
  readonly speed?: number
  /** Piper's own; `invalid` for other voices. */
  readonly noiseScale?: number
  readonly noiseWidth?: number
}

/** Sound on its way: mono, signed 16 bit. */
export interface SpokenSound {
  readonly voice: string
  readonly backend: string
  readonly sampleRate: number
  /** In order; the first comes before the end of the text has been spoken. Leaving the loop ends the work. */
  readonly chunks: AsyncIterable<Int16Array>
}

/** Text in, sound out. */
export interface Synthesiser {
  voices(): Promise<readonly Voice[]>
  /** `text`: whole, or as it comes; it is spoken clause by clause. Throws `not-found` for an unknown voice, `unavailable` when there is none, naming what to pull. */
  speak(text: string | AsyncIterable<string>, options: SynthesisOptions, signal: AbortSignal): Promise<SpokenSound>
}

/** Samples of one step of a voice detector: 32 ms. */
export const voiceStep = 512

/** Whether somebody speaks, step by step. Keeps state between steps; whoever opened it disposes it. */
export interface VoiceDetection extends AsyncDisposable {
  /** The probability of speech, 0 to 1, of the next `voiceStep` samples; the array is borrowed. */
  next(samples: Float32Array): Promise<number>
  /** Forgets what it heard. */
  reset(): void
}

/** Opens detections; one network serves them all. */
export interface VoiceDetector {
  readonly name: string
  open(): Promise<VoiceDetection>
}

/** A word, or several said together, that was listened for and heard: seconds from the first sample. */
export interface SpottedWord {
  /** As it was asked for. */
  readonly word: string
  readonly start: number
  readonly end: number
}

/** What a keyword spotter is told. */
export interface SpotterOptions {
  /** How much likelier the word must be than anything else: 1e-50 hears it everywhere, 1 nowhere. Left out: by the length of each. */
  readonly threshold?: number
  /** In the order of the sound. Words may come late, at the next pause, and never after the spotting was disposed. */
  readonly onSpotted: (spotted: SpottedWord) => void
  /** It hears nothing any more; told once at most. Left out: only `finish` tells. */
  readonly onFailure?: (error: EngineError) => void
}

/** Sound in which words are listened for. Whoever opened it disposes it. */
export interface KeywordSpotting extends AsyncDisposable {
  /** 16 kHz mono; the samples are borrowed until it returns. Throws `busy`, having taken nothing, when it is more than 30 s behind; `closed`; what made it fail. */
  push(samples: Int16Array): void
  /** No more samples: resolves when all words in them were told, within half a minute. */
  finish(): Promise<void>
}

/** Listens for a few words only, at a fraction of what recognising everything costs. */
export interface KeywordSpotter {
  /** Undefined where it is here; else what is missing and how to get it. */
  readonly missing: string | undefined
  /** 1 to 20 words or phrases of up to 5 words. Throws `invalid`, naming what it does not know, and `unavailable`, naming what to install. */
  open(words: readonly string[], options: SpotterOptions): Promise<KeywordSpotting>
}

/** Speech as routes, nodes and voice sessions see it. */
export interface Speech {
  /** Every recogniser that is here, the best first. */
  recognisers(): Promise<readonly Recogniser[]>
  /** By name, or the best; throws `not-found`, or `unavailable` naming what to pull. */
  recogniser(name?: string): Promise<Recogniser>
  readonly synthesiser: Synthesiser
  readonly detector: VoiceDetector
  readonly spotter: KeywordSpotter
}
