import { concat, from, ignoreElements, Observable } from 'rxjs'
import { z } from 'zod'
import { SoundFit } from '../audio/sound-fit.ts'
import { soundEdge } from '../audio/speech-options.ts'
import { consume, emit } from '../core/edge.ts'
import { type AudioPayload, createPacket, type PacketOf } from '../core/packet.ts'
import type { EngineError } from '../errors.ts'
import { speechRate } from '../inference/speech.ts'
import { defineNode, type Tools } from '../tools.ts'
import { ConversationPackets, type ConversationPayload } from '../voice/conversation-packets.ts'
import { serverDetection, type TurnDetection, type VoiceSettings } from '../voice/settings.ts'
import { StreamOutput } from '../voice/stream-output.ts'
import type { ReplySound, VoiceNotice } from '../voice/voice-output.ts'
import type { VoiceSession } from '../voice/voice-session.ts'
import { WakeEars } from '../voice/wake-ears.ts'

/** Options that only `turns: silence` heeds. */
const bySilence = ['threshold', 'prefixMs', 'silenceMs', 'idleTimeoutMs'] as const
/** Words that are listened for. */
const words = z
  .array(z.string().min(1).max(100))
  .min(1)
  .max(10)
  .describe(
    'English words, or phrases of up to 5, which the pronouncing dictionary must know. Long ones are heard best.',
  )
const threshold = z
  .number()
  .min(1e-50)
  .max(1)
  .optional()
  .describe(
    'How much likelier a word, also one of `stop`, must be than anything else: less hears more, and more by mistake; left out: by the length of each.',
  )

const options = z
  .strictObject({
    model: z.string().min(1).optional().describe('Language model, as GET /api/models names it; left out: the default.'),
    instructions: z
      .string()
      .max(20_000)
      .default('You are a friendly voice assistant. Answer in one or two short sentences, as people speak.')
      .describe('The system prompt.'),
    maxTokens: z.number().int().min(1).max(4096).default(200).describe('The longest reply, in tokens.'),
    temperature: z.number().min(0).max(2).optional().describe('0 takes the likeliest token each time.'),
    voice: z.string().min(1).optional().describe('As GET /api/voices names it; left out: the best that is here.'),
    speaker: z.string().min(1).optional().describe('Of a voice that has several.'),
    speed: z.number().min(0.25).max(4).default(1).describe('1 is the voice’s own.'),
    language: z
      .string()
      .min(2)
      .max(3)
      .optional()
      .describe('That is spoken, as ISO 639-1; left out: found, where the recogniser can.'),
    turns: z
      .enum(['silence', 'meaning'])
      .default('silence')
      .describe('What ends a turn: silence, or less of it after what sounds complete and more after what does not.'),
    threshold: z
      .number()
      .min(0.05)
      .max(0.95)
      .optional()
      .describe('By silence: probability at which speech begins, 0.5. Higher hears less of what is far away.'),
    prefixMs: z
      .number()
      .min(0)
      .max(5000)
      .optional()
      .describe('By silence: sound taken from before the beginning of speech, 300 ms.'),
    silenceMs: z.number().min(100).max(10_000).optional().describe('By silence: how much of it ends a turn, 500 ms.'),
    interruptible: z.boolean().default(true).describe('Whether a voice interrupts a reply.'),
    holdMs: z
      .number()
      .min(0)
      .max(5000)
      .default(300)
      .describe('Speech over a reply pauses it, and interrupts it when it has lasted so long. Milliseconds.'),
    idleTimeoutMs: z
      .number()
      .min(1000)
      .max(3_600_000)
      .optional()
      .describe(
        'By silence: the assistant speaks by itself when nobody has said a word for so long after a reply; left out: never. Milliseconds.',
      ),
    wake: z
      .strictObject({
        words,
        threshold,
        followUpMs: z
          .number()
          .min(1000)
          .max(600_000)
          .default(8000)
          .describe('It stays awake for so long after a reply, or a wake word, without speech. Milliseconds.'),
      })
      .optional()
      .describe(
        'Asleep until one of these words is heard: nothing is transcribed or told before. Left out: always awake. It is told at the next pause of speech.',
      ),
    stop: z
      .strictObject({ words })
      .optional()
      .describe('Words that end a reply at once, whether or not it is `interruptible`, and are no turn themselves.'),
    aheadMs: z
      .number()
      .min(100)
      .max(10_000)
      .default(1000)
      .describe('Sound is given so many milliseconds before it is heard: more lets a slow model pause.'),
  })
  .refine(({ wake, idleTimeoutMs }) => wake === undefined || idleTimeoutMs === undefined, {
    error: 'Expected no idleTimeoutMs with wake: an assistant that sleeps does not speak by itself',
  })
  .refine(({ turns, ...given }) => turns === 'silence' || bySilence.every((key) => given[key] === undefined), {
    error: `Expected none of ${bySilence.join(', ')} with turns: meaning, which finds them by itself`,
  })
type Options = z.infer<typeof options>

export default defineNode({
  name: 'converse',
  summary: 'A conversation by voice: what is said is answered, by speech, and may be interrupted.',
  accepts: 'audio',
  emits: 'nothing',
  outputs: { transcript: 'text', reply: 'text', speech: 'audio', turn: 'event' },
  edge: soundEdge,
  options,
  create: (options, tools) => (sound) =>
    new Observable<PacketOf<'text' | 'audio' | 'event'>>((subscriber) => {
      const onPacket = (packet: PacketOf<'text' | 'audio' | 'event'>) => emit(subscriber, packet)
      const talk = new Talk({ options, tools, onPacket, onFailure: (error) => subscriber.error(error) })
      // The microphone opens when there is somebody to listen: models may take long to load. Busy, or one that is missing: the stream says so, and tries again.
      const opened = from(talk.opened).pipe(ignoreElements())
      const heard = sound.pipe(consume<PacketOf<'audio'>>(tools.edge, (packet) => talk.hear(packet)))
      subscriber.add(concat(opened, heard).subscribe(subscriber))
      return () => void talk[Symbol.asyncDispose]()
    }),
})

interface TalkParts {
  readonly options: Options
  readonly tools: Tools
  readonly onPacket: (packet: PacketOf<'text' | 'audio' | 'event'>) => void
  /** It cannot go on. */
  readonly onFailure: (error: EngineError) => void
}

/** One opening of the node: a voice session, and packets made of what it tells. */
class Talk implements AsyncDisposable {
  /** Rejects when the voice session cannot be opened. */
  readonly opened: Promise<void>
  readonly #parts: TalkParts
  readonly #closing = new AbortController()
  readonly #fit = new SoundFit({ sampleRate: speechRate, channels: 1 })
  readonly #output: StreamOutput
  #packets: ConversationPackets | undefined
  #session: VoiceSession | undefined
  /** Where there are wake or stop words. */
  #ears: WakeEars | undefined
  /** The newest; what is said is its moment's. */
  #packet: PacketOf<'audio'> | undefined

  constructor(parts: TalkParts) {
    this.#parts = parts
    const { options, tools } = parts
    const { pipeline, stream, playbacks } = tools
    this.#output = new StreamOutput({
      onNotice: (notice) => this.#heed(notice),
      onSound: (sound) => this.#emitSound(sound),
      onPlayed: (turn, ms) => {
        this.#ears?.played()
        this.#session?.tell({ type: 'played', turn, ms })
      },
      onFlushed: () => this.#tellHeard(),
      playback: () => playbacks.of(`${pipeline}/${stream}/speech`),
      aheadMs: options.aheadMs,
    })
    this.opened = this.#open(options)
  }

  /** Once it is open. */
  hear(packet: PacketOf<'audio'>): void {
    this.#packet = packet
    const samples = this.#fit.push(packet.payload)
    if (this.#ears) this.#ears.hear(samples)
    else this.#session?.push(samples, speechRate)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    this.#output.close()
    await this.opened.catch(() => undefined)
    await this.#ears?.[Symbol.asyncDispose]()
    await this.#session?.[Symbol.asyncDispose]()
  }

  async #open(options: Options): Promise<void> {
    const { voices, speech, pipeline, stream } = this.#parts.tools
    const recogniser = await speech.recogniser()
    this.#packets = new ConversationPackets({
      language: options.language,
      recogniser: recogniser.name,
      writer: options.model,
    })
    const machine = { holdMs: options.holdMs }
    const asked = { user: `${pipeline}/${stream}`, settings: toSettings(options), machine }
    const session = await voices.open(this.#output, asked, this.#closing.signal)
    this.#session = session
    if (options.wake || options.stop) this.#ears = await this.#openEars(session, options)
  }

  #openEars(session: VoiceSession, { wake, stop }: Options): Promise<WakeEars> {
    return WakeEars.open({
      spotter: this.#parts.tools.speech.spotter,
      wake: wake?.words ?? [],
      stop: stop?.words ?? [],
      threshold: wake?.threshold,
      followUpMs: wake?.followUpMs ?? 0,
      session,
      onEvent: (event) => this.#emit({ output: 'turn', payload: { kind: 'event', ...event } }),
      onFailure: this.#parts.onFailure,
    })
  }

  #heed(notice: VoiceNotice): void {
    this.#ears?.heed(notice)
    for (const payload of this.#packets?.toPayloads(notice) ?? []) this.#emit(payload)
  }

  #tellHeard(): void {
    const heard = this.#session && this.#packets?.heard(this.#session.history)
    if (heard) this.#emit(heard)
  }

  #emitSound({ samples, sampleRate }: ReplySound): void {
    this.#emit({ output: 'speech', payload: { kind: 'audio', samples, sampleRate, channels: 1 } })
  }

  #emit({ output, payload }: ConversationPayload | { output: 'speech'; payload: AudioPayload }): void {
    if (this.#closing.signal.aborted) return
    const { stream, clock } = this.#parts.tools
    const { source = stream, seq = 0 } = this.#packet ?? {}
    const capturedAt = clock.now()
    this.#parts.onPacket(createPacket({ stream: `${stream}/${output}`, source, seq, capturedAt, payload }))
  }
}

function toSettings(options: Options): Partial<VoiceSettings> {
  const { model, instructions, maxTokens, temperature, voice, speaker, speed, language } = options
  return {
    instructions,
    ...(model !== undefined && { model }),
    sampling: { maxTokens, ...(temperature !== undefined && { temperature }) },
    voice: { ...(voice !== undefined && { voice }), ...(speaker !== undefined && { speaker }), speed },
    recognition: language === undefined ? {} : { language },
    turnDetection: toDetection(options),
  }
}

function toDetection(options: Options): TurnDetection {
  const { turns, threshold, prefixMs, silenceMs, interruptible, idleTimeoutMs = null } = options
  const both = { createResponse: true, interruptResponse: interruptible }
  if (turns === 'meaning') return { type: 'semantic_vad', eagerness: 'auto', ...both }
  return {
    ...serverDetection,
    ...(threshold !== undefined && { threshold }),
    ...(prefixMs !== undefined && { prefixMs }),
    ...(silenceMs !== undefined && { silenceMs }),
    idleTimeoutMs,
    ...both,
  }
}
