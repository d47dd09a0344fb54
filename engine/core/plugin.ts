import type { Observable, OperatorFunction } from 'rxjs'
import type { ZodType } from 'zod'
import type { Kind, Packet, PacketOf } from './packet.ts'
import type { EdgePolicy } from './waiting-line.ts'

/** What a stream carries; `nothing`: it cannot be read, as a sink, or a node that has side outputs only. */
export type StreamKind = Kind | 'nothing'
/** What a side output may carry: values, which nobody has to let go. */
export type PlainKind = Exclude<Kind, 'image' | 'map'>

/** One input of a node that has several: its kind, or a kind that may be left out of the pipeline. */
export type InputKind = Kind | { readonly kind: Kind; readonly optional: true }
/** What a node takes: packets of one kind, of any of several kinds, or joined packets by input name. */
export type Accepts = Kind | readonly Kind[] | Readonly<Record<string, InputKind>>

type KindOf<I extends InputKind> = I extends { kind: infer K extends Kind } ? K : Extract<I, Kind>
type JoinedInputs<A> = {
  readonly [K in keyof A as A[K] extends { optional: true } ? never : K]: A[K] extends InputKind
    ? PacketOf<KindOf<A[K]>>
    : never
} & {
  readonly [K in keyof A as A[K] extends { optional: true } ? K : never]?: A[K] extends InputKind
    ? PacketOf<KindOf<A[K]>>
    : never
}

/** Packets of one moment from several inputs, held together. */
export interface JoinedPacket<A = Readonly<Record<string, InputKind>>> extends Disposable {
  readonly source: string
  readonly seq: number
  readonly capturedAt: bigint
  readonly inputs: JoinedInputs<A>
  retain(): this
}
/** The packets of a node that accepts `A`; `any` for a node of which only its name is known, as in a list of plug-ins. */
export type InputOf<A extends Accepts> = 0 extends 1 & A
  ? any
  : A extends Kind
    ? PacketOf<A>
    : A extends readonly (infer K extends Kind)[]
      ? PacketOf<K>
      : JoinedPacket<A>

/** Makes packets. `open` returns a cold observable: subscribing opens the device, unsubscribing closes it; both happen many times. */
export interface Source<K extends Kind = Kind, O = any, T = any> {
  readonly type: 'source'
  readonly name: string
  readonly summary: string
  readonly options: ZodType<O>
  readonly emits: K
  /** It may have nothing to say for long (a page sends the frames, or nobody does): silence is no reason to open it anew. */
  readonly mayBeSilent?: true
  /** It looks at the world: a picture that stands still for long is a reason to open it anew. */
  readonly live?: true
  /** Called once, when the pipeline is built; throws an `EngineError` for options that cannot be served. A source counts its packets at its edge itself. */
  open(options: O, tools: T): Observable<PacketOf<K>>
}

/** Turns packets into packets. A node that touches pixels works inside `runEach(tools.edge, …)` only. */
export interface Node<A extends Accepts = any, K extends Kind = Kind, O = any, T = any> {
  readonly type: 'node'
  readonly name: string
  readonly summary: string
  readonly options: ZodType<O>
  /** Options that may be changed while a stream runs: the node is created anew with them, and what it remembers is lost. Left out: none. */
  readonly tunable?: readonly (keyof O & string)[]
  readonly accepts: A
  /** `same`: what came in goes out. `nothing`: its side outputs are all. */
  readonly emits: K | 'same' | 'nothing'
  /** Side outputs by name. Each is a stream `<stream>/<output>`, of those packets that carry its name as their `stream`. */
  readonly outputs?: Readonly<Record<string, PlainKind>>
  /** What may wait before it where the pipeline does not say; left out: `latest`. */
  readonly edge?: EdgePolicy
  /** Called at each opening of the stream, so that what it makes may have a state. */
  create(options: O, tools: T): OperatorFunction<InputOf<A>, PacketOf<K>>
}

/** Ends a stream: a node that emits nothing. It is open, and so is what it reads, for as long as its pipeline runs. */
export interface Sink<A extends Accepts = any, O = any, T = any> {
  readonly type: 'sink'
  readonly name: string
  readonly summary: string
  readonly options: ZodType<O>
  readonly accepts: A
  readonly edge?: EdgePolicy
  /** Called at each opening; what it makes fails when it has to be opened anew. */
  create(options: O, tools: T): OperatorFunction<InputOf<A>, never>
}

/** What a file in `sources/`, `nodes/`, `tasks/` or `sinks/` makes known. */
export type Plugin = Source | Node | Sink
/** What may wait at an edge. */
export type AnyPacket = Packet | JoinedPacket
