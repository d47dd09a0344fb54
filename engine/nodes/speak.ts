import { setTimeout as sleep } from 'node:timers/promises'
import { Observable, tap } from 'rxjs'
import { z } from 'zod'
import { consume, emit } from '../core/edge.ts'
import { derivePacket, type Packet, type PacketOf } from '../core/packet.ts'
import { defineNode, type Tools } from '../tools.ts'

/** Sound is given in pieces so long, as a microphone gives it. Milliseconds. */
const pieceMs = 20

const options = z.strictObject({
  voice: z.string().min(1).optional().describe('As GET /api/voices names it; left out: the best that is here.'),
  speaker: z.string().min(1).optional().describe('Of a voice that has several.'),
  speed: z.number().min(0.25).max(4).default(1).describe('1 is the voice’s own.'),
  when: z
    .enum(['queue', 'replace'])
    .default('queue')
    .describe(
      'A text that comes while another is spoken: queue: after it. replace: instead of the rest of it, and of what waits.',
    ),
  aheadMs: z
    .number()
    .min(40)
    .max(10_000)
    .default(200)
    .describe(
      'Sound is given so many milliseconds before it is to be heard: more lets a busy machine pause, less stops sooner.',
    ),
})

export default defineNode({
  name: 'speak',
  summary: 'Texts, spoken: clause by clause, at the pace at which they are heard.',
  accepts: 'text',
  emits: 'audio',
  edge: { queue: 8, full: 'oldest' },
  options,
  create: (options, tools) => (texts) =>
    new Observable<PacketOf<'audio'>>((subscriber) => {
      const speaker = new TextSpeaker(options, tools, (packet) => emit(subscriber, packet))
      const spoken = texts.pipe(
        tap((packet) => speaker.expect(packet)),
        consume(tools.edge, (packet, signal) => speaker.speak(packet, signal)),
      )
      subscriber.add(spoken.subscribe(subscriber))
    }),
})

/** Speaks the texts of one opening of the node. */
class TextSpeaker {
  readonly #options: z.infer<typeof options>
  readonly #tools: Tools
  readonly #onPacket: (packet: PacketOf<'audio'>) => void
  readonly #pacer: Pacer
  /** Aborted when a newer text takes their place. */
  readonly #places = new WeakMap<Packet, AbortController>()
  #newest: AbortController | undefined

  constructor(given: z.infer<typeof options>, tools: Tools, onPacket: (packet: PacketOf<'audio'>) => void) {
    this.#options = given
    this.#tools = tools
    this.#onPacket = onPacket
    this.#pacer = new Pacer(given.aheadMs)
  }

  /** A text has come, and will be spoken when it is its turn. */
  expect(packet: PacketOf<'text'>): void {
    if (this.#options.when === 'queue' || !packet.payload.final) return
    this.#newest?.abort()
    this.#newest = new AbortController()
    this.#places.set(packet, this.#newest)
  }

  /** What is not final comes again, and is not spoken. */
  async speak(packet: PacketOf<'text'>, left: AbortSignal): Promise<void> {
    const place = this.#places.get(packet)?.signal
    const signal = place ? AbortSignal.any([place, left]) : left
    if (!packet.payload.final || signal.aborted) return
    try {
      await this.#say(packet, signal)
    } catch (error) {
      if (!place?.aborted) throw error
    }
  }

  async #say(packet: PacketOf<'text'>, signal: AbortSignal): Promise<void> {
    const { voice, speaker, speed } = this.#options
    const how = { ...(voice !== undefined && { voice }), ...(speaker !== undefined && { speaker }), speed }
    const { chunks, sampleRate } = await this.#tools.speech.synthesiser.speak(packet.payload.text, how, signal)
    const size = Math.max(1, Math.floor((sampleRate * pieceMs) / 1000))
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.length; at += size) {
        const samples = chunk.slice(at, at + size)
        await this.#pacer.wait((samples.length * 1000) / sampleRate, signal)
        if (signal.aborted) return
        const payload = { kind: 'audio', samples, sampleRate, channels: 1 } as const
        this.#onPacket(derivePacket(packet, this.#tools.stream, payload))
      }
    }
  }
}

/** Lets sound go a little before it is to be heard, one piece after the other. */
class Pacer {
  readonly #aheadMs: number
  /** When all that was let go will have been heard, by the clock of `performance`. */
  #heardAt = 0

  constructor(aheadMs: number) {
    this.#aheadMs = aheadMs
  }

  /** Resolves when the next piece, so long, may go; also when the signal is aborted. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    this.#heardAt = Math.max(this.#heardAt, performance.now()) + ms
    const early = this.#heardAt - performance.now() - this.#aheadMs
    if (early > 0) await sleep(early, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) this.#heardAt = Math.min(this.#heardAt, performance.now() + this.#aheadMs)
  }
}
