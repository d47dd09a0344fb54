import { concat, Observable } from 'rxjs'
import { z } from 'zod'
import { soundEdge, speechOptions, toEndpoints } from '../audio/speech-options.ts'
import { UtteranceWriter } from '../audio/utterance-writer.ts'
import { VoiceWatch } from '../audio/voice-watch.ts'
import { consume, emit } from '../core/edge.ts'
import { derivePacket, type PacketOf, type TextPayload } from '../core/packet.ts'
import { messageOf } from '../errors.ts'
import type { Recogniser } from '../inference/speech.ts'
import { defineNode, type Tools } from '../tools.ts'

const options = z.strictObject({
  ...speechOptions,
  model: z
    .string()
    .min(1)
    .optional()
    .describe('Recogniser, as GET /api/models names it; left out: the best that is here.'),
  language: z.string().min(2).max(3).optional().describe('As ISO 639-1; left out: found, where the recogniser can.'),
  translate: z.boolean().default(false).describe('To English, where the recogniser can.'),
  partials: z.boolean().default(true).describe('Also what is certain of an utterance while it is being said.'),
  longestMs: z
    .number()
    .min(1000)
    .max(25_000)
    .default(25_000)
    .describe('A speaker without a pause is written down in pieces so long. Milliseconds.'),
})
type Options = z.infer<typeof options>

export default defineNode({
  name: 'transcribe',
  summary: 'What is said, as text: each utterance for good, and before that what is certain of it so far.',
  accepts: 'audio',
  emits: 'text',
  edge: soundEdge,
  options,
  create: (options, tools) => (sound) =>
    new Observable<PacketOf<'text'>>((subscriber) => {
      const scribe = new Scribe(options, tools, (packet) => emit(subscriber, packet))
      const heard = sound.pipe(consume(tools.edge, (packet) => scribe.hear(packet)))
      const rest = new Observable<never>((last) => {
        scribe.finish().then(
          () => last.complete(),
          (error: unknown) => last.error(error),
        )
      })
      subscriber.add(concat(heard, rest).subscribe(subscriber))
      return () => void scribe[Symbol.asyncDispose]()
    }),
})

interface Parts {
  readonly watch: VoiceWatch
  readonly writer: UtteranceWriter
}

/** Hears the packets of one opening of the node, and makes texts of them. */
class Scribe implements AsyncDisposable {
  readonly #options: Options
  readonly #tools: Tools
  readonly #onPacket: (packet: PacketOf<'text'>) => void
  readonly #opening: Promise<Parts>
  /** The newest; texts are its moment's. */
  #packet: PacketOf<'audio'> | undefined
  #failure: { readonly error: unknown } | undefined

  constructor(options: Options, tools: Tools, onPacket: (packet: PacketOf<'text'>) => void) {
    this.#options = options
    this.#tools = tools
    this.#onPacket = onPacket
    this.#opening = this.#open()
    // Each packet hears of a failure.
    this.#opening.catch(() => undefined)
  }

  async hear(packet: PacketOf<'audio'>): Promise<void> {
    const { watch, writer } = await this.#opening
    this.#packet = packet
    for (const step of await watch.hear(packet.payload)) await writer.write(step)
    const failure = this.#failure
    this.#failure = undefined
    // So that it is counted and told as one of the stream's.
    if (failure) throw failure.error
  }

  async finish(): Promise<void> {
    const { writer } = await this.#opening
    await writer.finish()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      const { watch, writer } = await this.#opening
      await Promise.all([writer[Symbol.asyncDispose](), watch[Symbol.asyncDispose]()])
    } catch (error) {
      this.#tools.log.debug({ reason: messageOf(error) }, 'transcription was not open')
    }
  }

  async #open(): Promise<Parts> {
    const { model, language, translate, partials, longestMs } = this.#options
    const { speech } = this.#tools
    const recogniser = await speech.recogniser(model)
    const watch = new VoiceWatch(await speech.detector.open(), toEndpoints(this.#options))
    const writer = new UtteranceWriter({
      recogniser,
      options: { ...(language !== undefined && { language }), ...(translate && { translate }) },
      longestMs,
      onText: (written) => {
        if (written.final || partials) this.#tell(written, recogniser)
      },
      onFailure: (error) => {
        this.#failure = { error }
      },
    })
    return { watch, writer }
  }

  #tell({ text, final, language }: { text: string; final: boolean; language: string | null }, by: Recogniser): void {
    const packet = this.#packet
    if (!packet) return
    const { name: model, backend, simulated } = by
    const payload: TextPayload = {
      kind: 'text',
      text,
      final,
      ...(language !== null && { language }),
      model,
      backend,
      ...(simulated && { simulated }),
    }
    this.#onPacket(derivePacket(packet, this.#tools.stream, payload))
  }
}
