import { expect } from 'vitest'
import type { Language } from '../../engine/inference/language.ts'
import { LatestValue } from '../../engine/inference/latest-value.ts'
import type {
  Recogniser,
  RecogniserOptions,
  RecogniserStream,
  SpokenSegment,
  Synthesiser,
  SynthesisOptions,
  VoiceDetection,
} from '../../engine/inference/speech.ts'
import { noTools } from '../../engine/voice/voice-tools.ts'
import { Conversations } from '../../engine/wyoming/conversations.ts'
import type { HandlingParts } from '../../engine/wyoming/handling.ts'
import { InfoReader } from '../../engine/wyoming/info.ts'
import { WyomingServer, type WyomingServerOptions } from '../../engine/wyoming/wyoming-server.ts'
import { ScriptedSpeech, segment } from './scripted-speech.ts'
import { silentLog } from './topic-packets.ts'
import { until } from './wait.ts'
import { WyomingClient } from './wyoming-client.ts'

/** One stream of speech that hears what its script holds. */
export class ScriptedEars implements RecogniserStream {
  readonly partials = new LatestValue<{ readonly stable: string; readonly tentative: string }>()
  readonly heard: Float32Array[] = []
  isDisposed = false
  readonly #script: EarsScript
  #giveUp: () => void = () => undefined

  constructor(script: EarsScript) {
    this.#script = script
  }

  push(samples: Float32Array): void {
    this.#script.onPush?.(this)
    this.heard.push(samples)
  }

  async finish(): Promise<readonly SpokenSegment[]> {
    const givenUp = new Promise<void>((resolve) => (this.#giveUp = resolve))
    await Promise.race([this.#script.gate(), givenUp])
    this.partials.end()
    return this.#script.segments
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isDisposed = true
    this.#giveUp()
    this.partials.end()
  }
}

interface EarsScript {
  segments: readonly SpokenSegment[]
  /** Before each piece is taken; may throw. */
  onPush?: (ears: ScriptedEars) => void
  /** Waited for at the end. */
  gate: () => Promise<void>
}

/** Speech by script that also hears streams and voices. */
export class LiveSpeech extends ScriptedSpeech {
  readonly script: EarsScript = { segments: [segment('turn on the light', 0, 2)], gate: async () => undefined }
  readonly ears: ScriptedEars[] = []
  readonly asked: RecogniserOptions[] = []
  readonly detections = { open: 0 }
  /** Of each step of the voice detector. */
  loudness = (samples: Float32Array): number => (samples.some((value) => Math.abs(value) > 0.1) ? 0.9 : 0)

  override readonly detector = { name: 'scripted-vad', open: async () => this.#openDetection() }

  override async recognisers(): Promise<readonly Recogniser[]> {
    return (await super.recognisers()).map((recogniser) => ({ ...recogniser, open: (options) => this.#open(options) }))
  }

  override async recogniser(name?: string): Promise<Recogniser> {
    return { ...(await super.recogniser(name)), open: (options) => this.#open(options) }
  }

  async #open(options: RecogniserOptions): Promise<RecogniserStream> {
    this.asked.push(options)
    const ears = new ScriptedEars(this.script)
    this.ears.push(ears)
    return ears
  }

  override readonly synthesiser = hearingText(this)

  #openDetection(): VoiceDetection {
    this.detections.open++
    return {
      next: async (samples) => this.loudness(samples),
      reset: () => undefined,
      [Symbol.asyncDispose]: async () => void this.detections.open--,
    }
  }
}

/** Each piece of text is spoken as it comes. */
function hearingText({ synthesiser, sound }: ScriptedSpeech): Synthesiser {
  async function* sayEach(text: AsyncIterable<string>, options: SynthesisOptions, signal: AbortSignal) {
    for await (const part of text) yield* (await synthesiser.speak(part, options, signal)).chunks
  }
  return {
    ...synthesiser,
    speak: async (text, options, signal) => {
      if (typeof text === 'string') return synthesiser.speak(text, options, signal)
      const { voice = 'scripted-en' } = options
      return { voice, backend: 'scripted', sampleRate: sound.sampleRate, chunks: sayEach(text, options, signal) }
    },
  }
}

export interface WyomingSetup extends AsyncDisposable {
  readonly server: WyomingServer
  readonly speech: LiveSpeech
  connect(): Promise<WyomingClient>
}

/** A Wyoming server on a free port. Its end fails the test when a client, a loop or a stream is left. */
export async function startWyoming(
  options: Partial<Omit<WyomingServerOptions, 'speech' | 'handling'>> & {
    readonly language?: Language
    readonly handling?: Partial<HandlingParts>
  } = {},
): Promise<WyomingSetup> {
  const speech = new LiveSpeech()
  const { language, handling: answers, ...others } = options
  const conversations = new Conversations()
  const handling = { language, instructions: '', tools: noTools, conversations, ...answers }
  const info = new InfoReader({ speech, language, version: '0.0.0-test' })
  const server = await WyomingServer.listen({
    ...{ host: '127.0.0.1', port: 0, speech, voice: {}, handling, info, log: silentLog },
    ...others,
  })
  return {
    server,
    speech,
    connect: () => WyomingClient.connect(server.port),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      expect(server.size).toBe(0)
      await until('the end of all loops', () => speech.loops.begun === speech.loops.ended)
      expect(speech.ears.filter(({ isDisposed }) => !isDisposed)).toEqual([])
      expect(speech.detections.open).toBe(0)
      expect(speech.spotter.running).toBe(0)
    },
  }
}
