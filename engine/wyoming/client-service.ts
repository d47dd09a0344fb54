import { EngineError } from '../errors.ts'
import type { Speech, SynthesisOptions } from '../inference/speech.ts'
import type { WyomingConnection } from './connection.ts'
import type { SoundTaker } from './exchange.ts'
import type { WyomingEvent } from './frame.ts'
import { type HandlingParts, handle } from './handling.ts'
import type { InfoReader } from './info.ts'
import { PcmReader } from './pcm-reader.ts'
import {
  isRequest,
  type RequestOf,
  type RequestType,
  readRequest,
  type SoundFormat,
  type VoiceAsked,
} from './requests.ts'
import { speak, TextStream } from './synthesis.ts'
import { Transcription } from './transcription.ts'
import { VoiceActivity } from './voice-activity.ts'
import { WakeDetection } from './wake-detection.ts'

/** What answers clients. */
export interface ClientParts {
  /** Undefined: there is none, and what needs it is refused as `unavailable`. */
  readonly speech: Speech | undefined
  /** How texts are spoken that ask for no voice. */
  readonly voice: SynthesisOptions
  readonly handling: HandlingParts
  readonly info: InfoReader
}

/** Sound that comes in. */
interface Incoming {
  readonly reader: PcmReader
  readonly taker: SoundTaker
}

/** Text that is spoken while it comes. */
interface Speaking {
  readonly text: TextStream
  /** Resolves when all of it was sent. */
  readonly sent: Promise<void>
}

/** What sound was announced for. */
type Asked =
  | { readonly type: 'transcribe'; readonly request: RequestOf<'transcribe'> }
  | { readonly type: 'detect'; readonly request: RequestOf<'detect'> }

type Handlers = { readonly [T in RequestType]: (request: RequestOf<T>, event: WyomingEvent) => Promise<void> }

/** Answers the events of one client, one after the other. */
export class ClientService {
  readonly #connection: WyomingConnection
  readonly #parts: ClientParts
  readonly #handlers: Handlers
  /** What the sound that comes next is for; undefined: to be watched for voice. */
  #asked: Asked | undefined
  #incoming: Incoming | undefined
  #speaking: Speaking | undefined

  constructor(connection: WyomingConnection, parts: ClientParts) {
    this.#connection = connection
    this.#parts = parts
    const { send, signal } = connection
    this.#handlers = {
      describe: async () => send('info', await parts.info.read()),
      ping: ({ text }) => send('pong', { text: text ?? null }),
      transcribe: async (request) => this.#prepare({ type: 'transcribe', request }),
      detect: async (request) => this.#prepare({ type: 'detect', request }),
      'audio-start': (format) => this.#beginSound(format),
      'audio-chunk': (format, { payload }) => this.#takeSound(format, payload),
      'audio-stop': () => this.#endSound(),
      synthesize: (asked) => this.#synthesize(asked),
      'synthesize-start': ({ voice }) => this.#beginSpeaking(voice),
      'synthesize-chunk': async ({ text }) => this.#expectSpeaking().text.push(text),
      'synthesize-stop': () => this.#endSpeaking(),
      transcript: (asked) => handle(asked, parts.handling, { send, signal }),
    }
  }

  /** Resolves when the client has gone or was sent away; nothing of it goes on then. Rejects with a bug. */
  async run(): Promise<void> {
    const { events, signal } = this.#connection
    try {
      for (let event = await events.take(); event; event = await events.take()) {
        await this.#answer(event)
        this.#connection.resume()
      }
    } catch (error) {
      // A client that has gone needs no answer, whatever broke off with it.
      if (signal.aborted) return
      if (!(error instanceof EngineError)) throw error
      await this.#refuse(error)
    } finally {
      await this.#stop()
    }
  }

  /** What is not known may be news of a later version: it is refused, and the client stays. */
  async #answer(event: WyomingEvent): Promise<void> {
    const { type } = event
    if (isRequest(type)) return this.#dispatch(type, event)
    const text = `Expected an event of speech, wake or handling, received ${type}. See describe for what is here`
    await this.#connection.send('error', { text, code: 'invalid' })
  }

  async #dispatch<T extends RequestType>(type: T, event: WyomingEvent): Promise<void> {
    const handler = this.#handlers[type] as (request: RequestOf<T>, event: WyomingEvent) => Promise<void>
    await handler(readRequest(type, event), event)
  }

  /** Home Assistant waits for its answer, whatever else comes: it must see that none will. */
  async #refuse(error: EngineError): Promise<void> {
    const { send, signal } = this.#connection
    await send('error', { text: error.message, code: error.code }).catch((failure: unknown) => {
      if (!signal.aborted) throw failure
    })
  }

  async #stop(): Promise<void> {
    this.#speaking?.text.end()
    await this.#incoming?.taker[Symbol.asyncDispose]()
    this.#incoming = undefined
    await this.#connection.close()
    await this.#speaking?.sent.catch(() => undefined)
  }

  #prepare(asked: Asked): void {
    this.#asked = asked
  }

  async #beginSound(format: SoundFormat): Promise<void> {
    await this.#incoming?.taker[Symbol.asyncDispose]()
    this.#incoming = undefined
    this.#incoming = { reader: new PcmReader(format), taker: await this.#openTaker() }
  }

  #openTaker(): Promise<SoundTaker> {
    const { send, signal } = this.#connection
    const speech = this.#expectSpeech()
    const asked = this.#asked
    this.#asked = undefined
    if (!asked) return VoiceActivity.open(speech, send)
    return asked.type === 'transcribe'
      ? Transcription.open({ speech, asked: asked.request, send, signal })
      : WakeDetection.open({ speech, asked: asked.request, send, signal })
  }

  async #takeSound(format: SoundFormat, payload: Buffer): Promise<void> {
    if (!this.#incoming) await this.#beginSound(format)
    const { reader, taker } = this.#incoming as Incoming
    if (!reader.fits(format))
      throw new EngineError(
        'invalid',
        'audio-chunk: Expected the format of audio-start. Send another audio-start first',
      )
    const samples = reader.push(payload)
    if (samples.length > 0) await taker.push(samples)
  }

  async #endSound(): Promise<void> {
    const incoming = this.#incoming
    if (!incoming) throw new EngineError('invalid', 'audio-stop: Expected audio-start before it')
    const rest = incoming.reader.end()
    if (rest.length > 0) await incoming.taker.push(rest)
    await incoming.taker.finish()
    this.#incoming = undefined
    await incoming.taker[Symbol.asyncDispose]()
  }

  /** Within a stream the same text comes as a whole too, for older servers. */
  async #synthesize({ text, voice }: RequestOf<'synthesize'>): Promise<void> {
    if (!this.#speaking) await speak(text, this.#synthesisOf(voice))
  }

  async #beginSpeaking(voice: VoiceAsked): Promise<void> {
    if (this.#speaking) throw new EngineError('invalid', 'synthesize-start: Expected synthesize-stop before it')
    const text = new TextStream()
    const sent = speak(text, this.#synthesisOf(voice))
    // A voice that fails is told at once, not when the text ends.
    sent.catch((error: unknown) => this.#connection.events.fail(error))
    this.#speaking = { text, sent }
  }

  async #endSpeaking(): Promise<void> {
    const { text, sent } = this.#expectSpeaking()
    text.end()
    await sent
    this.#speaking = undefined
    await this.#connection.send('synthesize-stopped')
  }

  #synthesisOf(voice: VoiceAsked) {
    const { send, signal } = this.#connection
    const { synthesiser } = this.#expectSpeech()
    return { synthesiser, voice, unasked: this.#parts.voice, send, signal }
  }

  #expectSpeaking(): Speaking {
    if (this.#speaking) return this.#speaking
    throw new EngineError('invalid', 'Expected synthesize-start before chunks of text and their end')
  }

  #expectSpeech(): Speech {
    if (this.#parts.speech) return this.#parts.speech
    throw new EngineError('unavailable', 'Expected speech, there is none here')
  }
}
