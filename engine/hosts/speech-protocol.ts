import type { Protocol } from './protocol.ts'

/** What a speech model is made of. Paths are absolute. */
export type SpeechArtefact =
  /** An ONNX network in a thread of its own; Silero's and Piper's. */
  | { readonly kind: 'network'; readonly path: string; readonly threads: number }
  /** Debian's recogniser, a program that stays up. */
  | { readonly kind: 'pocketsphinx' }
  /** sherpa-onnx, in a program of its own: see `sherpa-protocol.ts`. */
  | { readonly kind: 'sherpa'; readonly extras: string; readonly model: SherpaModel; readonly threads: number }

/** Files of a sherpa-onnx model by their role; paths. */
export interface SherpaModel {
  readonly kind: 'whisper' | 'moonshine' | 'transducer'
  readonly files: Readonly<Record<string, string>>
}

/** A word as a recogniser heard it: seconds from the first sample that it was given. */
export interface HeardWord {
  readonly text: string
  readonly start: number
  readonly end: number
  /** 0 to 1, where the recogniser tells. */
  readonly confidence?: number | undefined
}

/** What was heard in one window. */
export interface HeardWindow {
  readonly text: string
  /** Empty where the recogniser gives no times. */
  readonly words: readonly HeardWord[]
  /** ISO 639-1, where the recogniser tells. */
  readonly language: string | null
}

/** What a Piper network is asked for one sentence. */
export interface PiperInput {
  /** Of the voice's phonemes. */
  readonly ids: readonly number[]
  readonly noiseScale: number
  readonly lengthScale: number
  readonly noiseWidth: number
  /** null for a voice of one speaker. */
  readonly speaker: number | null
}

/** Between the engine and the speech host. */
export interface SpeechProtocol extends Protocol {
  calls: {
    /**
     * Makes a model ready, in place of one of that name. `bytes`: of private memory that it took. Rejects with `not-found` for a
     * missing file, `invalid` for a broken one, `unavailable` for a program that is not installed.
     */
    load: {
      params: { readonly model: string; readonly artefact: SpeechArtefact }
      result: { readonly bytes: number }
    }
    /** Ends a model; what it is at work on fails as `unavailable`. `bytes`: of private memory that came free. */
    unload: { params: { readonly model: string }; result: { readonly bytes: number } }
    /**
     * Probabilities of speech of the steps in `samples` (16 kHz, −1 to 1, a whole number of 512), one after the other. `memory`: what
     * the network remembers from the step before, [2 × 1 × 128] and the last 64 samples; all 0 at first. It comes back for the next call.
     */
    detect: {
      params: { readonly model: string; readonly samples: Float32Array; readonly memory: Float32Array }
      result: { readonly probabilities: Float32Array; readonly memory: Float32Array }
    }
    /** What is said in 16 kHz mono of at most 30 s. One window at a time per model; `busy` when more than 16 wait. */
    recognise: {
      params: {
        readonly model: string
        readonly samples: Int16Array
        readonly language: string | null
        readonly translate: boolean
      }
      result: HeardWindow
    }
    /** What espeak-ng can say without further packages: names of voices, which are languages. */
    espeakVoices: { params: Record<string, never>; result: { readonly voices: readonly string[] } }
    /** IPA of a text by a voice of espeak-ng, one clause a line. */
    pronounce: {
      params: { readonly voice: string; readonly text: string }
      result: { readonly phonemes: readonly string[] }
    }
    /** Sound of a Piper network, as loud as 16 bit allow. */
    synthesise: {
      params: { readonly model: string; readonly input: PiperInput }
      result: { readonly samples: Int16Array }
    }
    ping: { params: Record<string, never>; result: { readonly now: bigint } }
  }
  streams: {
    /** A text as espeak-ng says it, while it says it. `wordsPerMinute`: 80 to 700. */
    speak: {
      params: { readonly voice: string; readonly text: string; readonly wordsPerMinute: number }
      item: Int16Array
    }
  }
  toHost: Record<never, never>
  toEngine: Record<never, never>
}

/** Samples of a step of the voice detector, and of the step before that it looks back on. */
export const detectorStep = 512
export const detectorContext = 64
/** Values that the detector's network hands on from step to step. */
export const detectorState = 2 * 128
