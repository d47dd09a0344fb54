import type { LanguageTool, Sampling } from '../inference/language.ts'
import type { RecogniserOptions, SynthesisOptions } from '../inference/speech.ts'

/** How the end of what the user says is found, with the words and defaults of the OpenAI Realtime protocol; null in the settings is by hand. */
export type TurnDetection = {
  /** Whether the end of what the user says is answered by itself. */
  readonly createResponse: boolean
  /** Whether the user's voice interrupts a reply. */
  readonly interruptResponse: boolean
} & (
  | {
      readonly type: 'server_vad'
      /** 0 to 1, for whoever runs the voice detector. */
      readonly threshold: number
      /** Milliseconds of sound taken from before the beginning of speech. */
      readonly prefixMs: number
      /** Milliseconds of silence that end a turn, always the same. */
      readonly silenceMs: number
      /** Milliseconds without a word after a reply was heard, until the assistant speaks by itself; null: never. */
      readonly idleTimeoutMs: number | null
    }
  | { readonly type: 'semantic_vad'; readonly eagerness: 'low' | 'medium' | 'high' | 'auto' }
)

export const serverDetection = {
  type: 'server_vad' as const,
  threshold: 0.5,
  prefixMs: 300,
  silenceMs: 500,
  createResponse: true,
  interruptResponse: true,
  idleTimeoutMs: null,
} satisfies TurnDetection

/** What a client may change while the voice session runs. A reply goes on with those that it began with. */
export interface VoiceSettings {
  /** The system prompt; empty for none. */
  readonly instructions: string
  /** Left out: the default model. */
  readonly model?: string
  readonly tools: readonly LanguageTool[]
  /** false: the model is offered no tools, the engine's own neither. Left out: it is. */
  readonly callsTools?: boolean
  readonly sampling: Sampling
  readonly voice: SynthesisOptions
  readonly recognition: RecogniserOptions
  /** Replies are spoken, or only written. */
  readonly modality: 'audio' | 'text'
  /** null: the client commits, or presses and releases. */
  readonly turnDetection: TurnDetection | null
  /** A client's own words about a response: they come back with it, and mean nothing to us. */
  readonly metadata?: Readonly<Record<string, string>>
}

export const defaultSettings: VoiceSettings = {
  instructions: '',
  tools: [],
  sampling: {},
  voice: {},
  recognition: {},
  modality: 'audio',
  turnDetection: serverDetection,
}

/** What stays as it is for a voice session. All times in milliseconds. */
export interface MachineOptions {
  /** Speech over a reply pauses it, and interrupts it when it has lasted so long; 0 interrupts at once, as clients of the protocol expect that play by themselves. */
  readonly holdMs: number
  /** A pause after shorter speech than that lets the reply go on. */
  readonly resumeMs: number
  /** Silence after which the answer is prepared, before it is certain that the turn is over. */
  readonly speculateMs: number
  /** By meaning: silence after a sentence that sounds complete. */
  readonly completeMs: number
  /** By meaning: silence after words that may be all or not. */
  readonly undecidedMs: number
  /** By meaning: the longest wait, by eagerness. */
  readonly longestWaitMs: Readonly<Record<'low' | 'medium' | 'high' | 'auto', number>>
  readonly longestTurnMs: number
  /** Less sound than this is no utterance. */
  readonly leastAudioMs: number
  /** Per stage: without any sign of life for so long it has failed. */
  readonly deadlines: Readonly<Record<Stage, number>>
  /** Tools that the engine calls itself; the others are the client's. */
  readonly builtInTools: readonly string[]
  /** Times that a reply may ask for tools; after that it has to do without. */
  readonly maxToolRounds: number
  /** What the model is told when its reply was cut off by a cough before it was all written. */
  readonly continuePrompt: string
}

export type Stage = 'recogniser' | 'language' | 'synthesiser' | 'tool' | 'player'

export const machineDefaults: MachineOptions = {
  // Coughs and "mhm" are shorter; a word that is meant goes on.
  holdMs: 300,
  // Longer than the closure of a plosive, short enough that the reply does not seem to hang.
  resumeMs: 250,
  // Gaps within a word are shorter: most of what is prepared is used.
  speculateMs: 150,
  // A fluent speaker's gap between turns is about 200 ms; the detector's own delay comes on top.
  completeMs: 300,
  // People pause so long between two thoughts.
  undecidedMs: 800,
  // OpenAI's own for semantic_vad.
  longestWaitMs: { low: 8000, medium: 4000, high: 2000, auto: 4000 },
  // A radio in the room must not keep a turn open for ever.
  longestTurnMs: 60_000,
  // OpenAI's least for a commit.
  leastAudioMs: 100,
  // A Pi recognises 10 s in 3 s and loads a language model in 13; the others answer in under a second. Tools may ask a camera.
  deadlines: { recogniser: 15_000, language: 30_000, synthesiser: 10_000, tool: 15_000, player: 5000 },
  builtInTools: [],
  maxToolRounds: 5,
  continuePrompt: 'You were interrupted by a noise. Go on exactly where you stopped, without repeating anything.',
}
