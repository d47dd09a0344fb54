import { mergeMap, Observable, type Subscriber, tap } from 'rxjs'
import { z } from 'zod'
import { consume, type Edge, emit, runEach } from '../../engine/core/edge.ts'
import { createPacket, derivePacket, type Packet, type PacketOf } from '../../engine/core/packet.ts'
import type { JoinedPacket, Node, Plugin, Sink, Source } from '../../engine/core/plugin.ts'
import type { PacketMaker } from './packets.ts'

export interface TestTools {
  readonly stream: string
  readonly edge: Edge
  readonly nextSeq: () => number
}

/** A source that a test drives by hand, and that counts how often it was opened and closed. */
export class HandSource {
  opened = 0
  closed = 0
  #subscriber: Subscriber<PacketOf<'image'>> | undefined
  #tools: TestTools | undefined
  readonly #maker: PacketMaker

  constructor(maker: PacketMaker) {
    this.#maker = maker
  }

  plugin(name: string, mark: { readonly mayBeSilent?: true; readonly live?: true } = {}): Source {
    return {
      type: 'source',
      name,
      summary: 'Sends what the test says.',
      options: z.strictObject({
        pace: z.enum(['clock', 'max']).default('clock'),
        rate: z.number().min(1).max(120).default(30),
      }),
      emits: 'image',
      ...mark,
      open: (_, tools: TestTools) => {
        this.#tools = tools
        return new Observable((subscriber) => {
          this.opened++
          this.#subscriber = subscriber
          return () => this.closed++
        })
      },
    }
  }

  /** Sends the next frame, captured now by the faked clock. */
  send(picture: { readonly unchanged?: true } = {}): void {
    if (this.#tools === undefined || this.#subscriber === undefined) throw new Error('the source is closed')
    this.#tools.edge.counts.in++
    this.#tools.edge.counts.out++
    const packet = this.#maker.image(this.#tools.nextSeq(), Date.now(), this.#tools.stream)
    emit(this.#subscriber, createPacket({ ...packet, payload: { ...packet.payload, ...picture } }))
  }

  fail(error: unknown): void {
    this.#subscriber?.error(error)
  }

  end(): void {
    this.#subscriber?.complete()
  }
}

const empty = {
  kind: 'objects',
  objects: [],
  frame: { width: 640, height: 480 },
  model: 'm',
  backend: 'onnx',
  simulated: false,
} as const

/** image → objects. Frames listed in `fails` fail. */
export const detector: Node = {
  type: 'node',
  name: 'detect',
  summary: 'Finds nothing.',
  options: z.object({ classes: z.array(z.string()).default([]), fails: z.array(z.number()).default([]) }),
  tunable: ['fails'],
  accepts: 'image',
  emits: 'objects',
  create: ({ fails }: { fails: number[] }, tools: TestTools) =>
    runEach(tools.edge, (packet: Packet) => {
      if (fails.includes(packet.seq)) throw new Error(`frame ${packet.seq} is too dark`)
      return derivePacket(packet, tools.stream, empty)
    }),
}

/** image, and objects if there are → objects. */
export const poser: Node = {
  type: 'node',
  name: 'pose',
  summary: 'Finds nobody.',
  options: z.strictObject({}),
  accepts: { image: 'image', objects: { kind: 'objects', optional: true } },
  emits: 'objects',
  create: (_, tools: TestTools) =>
    runEach(tools.edge, ({ inputs }: JoinedPacket) => derivePacket(inputs.image as Packet, tools.stream, empty)),
}

/** Anything → the same. */
export const passer: Node = {
  type: 'node',
  name: 'pass',
  summary: 'Lets all through.',
  options: z.strictObject({}),
  accepts: ['image', 'objects'],
  emits: 'same',
  create: (_, tools: TestTools) => runEach(tools.edge, (packet: Packet) => packet),
}

/** image → texts and events, as side outputs only: each image is told on both. */
export const teller: Node = {
  type: 'node',
  name: 'tell',
  summary: 'Tells of each image in two ways.',
  options: z.strictObject({}),
  accepts: 'image',
  emits: 'nothing',
  outputs: { words: 'text', signs: 'event' },
  edge: { queue: 7, full: 'oldest' },
  create: (_, tools: TestTools) => (images) =>
    images.pipe(
      runEach(tools.edge, (packet: Packet) => derivePacket(packet, tools.stream, empty)),
      mergeMap((packet) => [
        derivePacket(packet, `${tools.stream}/words`, { kind: 'text', text: `${packet.seq}`, final: true }),
        derivePacket(packet, `${tools.stream}/signs`, { kind: 'event', name: 'seen' }),
      ]),
    ),
}

/** A sink that keeps what it was given, and fails when a test says so. */
export class KeepingSink {
  readonly kept: number[] = []
  opened = 0
  failure: Error | undefined

  plugin(): Sink {
    return {
      type: 'sink',
      name: 'keep',
      summary: 'Keeps numbers.',
      options: z.strictObject({}),
      accepts: ['image', 'text'],
      create: (_, tools: TestTools) => {
        this.opened++
        const use = consume(tools.edge, (packet: Packet) => void this.kept.push(packet.seq))
        return (packets) =>
          packets.pipe(
            tap(() => {
              if (this.failure) throw this.failure
            }),
            use,
          )
      },
    }
  }
}

export function pluginsByName(...plugins: Plugin[]): Map<string, Plugin> {
  return new Map(plugins.map((plugin) => [plugin.name, plugin]))
}
