import { defer, filter, merge, type Observable, type OperatorFunction, ReplaySubject } from 'rxjs'
import { EngineError } from '../errors.ts'
import {
  type CheckedNode,
  type CheckedSink,
  type CheckedSource,
  type CheckedStream,
  checkPipeline,
  outputsOf,
} from './check-pipeline.ts'
import type { Clock } from './clock.ts'
import { consume, Edge, join, onDemand } from './edge.ts'
import type { PipelineSpec } from './graph.ts'
import type { Packet } from './packet.ts'
import type { AnyPacket, PlainKind, Plugin } from './plugin.ts'
import { type GraphLog, type RunningStream, SupervisedStream } from './running-stream.ts'
import { type Tuning, tuningsOf } from './tuning.ts'

export type { RunningStream, StreamStatus } from './running-stream.ts'

/** A pipeline that runs: nothing of it is open until somebody subscribes. Disposing closes all its streams, which complete. */
export interface Pipeline extends AsyncDisposable {
  readonly name: string
  /** With the side outputs, `<stream>/<output>`. */
  readonly streams: ReadonlyMap<string, RunningStream>
  /** Streams that become topics `<pipeline>/<stream>`. */
  readonly publish: readonly string[]
  /** Opens the sinks, and with them what they read, until the pipeline is disposed. Called once. */
  openSinks(): void
  /** By stream: what of its node can be changed while it runs. */
  readonly tunings: ReadonlyMap<string, Tuning>
}

/** What a pipeline is built with. */
export interface PipelineParts {
  readonly plugins: ReadonlyMap<string, Plugin>
  /** Makes what one stream's plug-in may ask of the world. `nextSeq` goes on across restarts of the stream. */
  readonly tools: (stream: string, edge: Edge, nextSeq: () => number) => unknown
  readonly log: GraphLog
  readonly clock: Clock
}

const defaultWait = 2
const defaultToleranceMs = 50

/** Checks a pipeline, throwing `invalid` with the place, then makes its streams. */
export function buildPipeline(spec: PipelineSpec, parts: PipelineParts): Pipeline {
  const checked = checkPipeline(spec, parts.plugins)
  const closed = new ReplaySubject<void>(1)
  const streams = new Map<string, RunningStream>()
  const building = { spec, parts, closed, streams, tunings: tuningsOf(spec.file, checked) }
  for (const stream of checked) {
    const running = buildStream(stream, building)
    streams.set(stream.name, running)
    for (const [output, kind] of Object.entries(outputsOf(stream)))
      streams.set(`${stream.name}/${output}`, buildOutput(running, `${stream.name}/${output}`, kind, building))
  }
  const sinks = checked.filter(({ plugin }) => plugin.type === 'sink').map(({ name }) => streams.get(name))
  return {
    name: spec.name,
    streams,
    publish: spec.publish,
    openSinks: () => {
      for (const sink of sinks) sink?.packets.pipe(consume(new Edge(`${spec.name}/${sink.name}`), letGo)).subscribe()
    },
    tunings: building.tunings,
    [Symbol.asyncDispose]: async () => closed.next(),
  }
}

/** A sink has used its packets before they come out. */
const letGo = () => undefined

/** What the streams of one pipeline share while they are built. */
interface Building {
  readonly spec: PipelineSpec
  readonly parts: PipelineParts
  readonly closed: Observable<void>
  /** Those that this one may read. */
  readonly streams: ReadonlyMap<string, RunningStream>
  readonly tunings: ReadonlyMap<string, Tuning>
}

function buildStream(stream: CheckedStream, building: Building): RunningStream {
  const { spec, parts } = building
  const { name, kind, plugin } = stream
  const edge = new Edge(`${spec.name}/${name}`, policyOf(stream))
  let seq = 0
  const tools = parts.tools(name, edge, () => seq++)
  const joinEdge = 'from' in stream && typeof stream.from !== 'string' ? new Edge(`${edge.name}:join`) : undefined
  const opened =
    'from' in stream ? openNode(stream, { tools, joinEdge, building }) : openSource(stream, tools, spec.file)
  return supervise(building, {
    name,
    kind,
    plugin: plugin.name,
    edge,
    joinEdge,
    opened,
    linger: 'linger' in stream.spec ? stream.spec.linger : 0,
    onSilence: mustTalk(stream) ? 'reopen' : 'wait',
    onFrozen: plugin.type === 'source' && plugin.live ? 'reopen' : 'wait',
  })
}

/** Of the packets of its node those that carry its name. */
function buildOutput(node: RunningStream, name: string, kind: PlainKind, building: Building): RunningStream {
  const { plugin } = node
  const edge = new Edge(`${building.spec.name}/${name}`, 'latest')
  const opened = node.packets.pipe(filter((packet) => packet.stream === name))
  const quiet = { joinEdge: undefined, linger: 0, onSilence: 'wait', onFrozen: 'wait' } as const
  return supervise(building, { name, kind, plugin, edge, opened, ...quiet })
}

function supervise(
  { closed, parts: { clock, log } }: Building,
  stream: Omit<ConstructorParameters<typeof SupervisedStream>[0], 'closed' | 'clock' | 'log'>,
): RunningStream {
  return new SupervisedStream({ ...stream, closed, clock, log })
}

function policyOf(stream: CheckedStream) {
  return 'from' in stream ? (stream.spec.edge ?? stream.plugin.edge) : undefined
}

/** Pictures and sound never stop by themselves; texts, events and the results of nodes may. */
function mustTalk(stream: CheckedStream): boolean {
  return !('from' in stream) && !stream.plugin.mayBeSilent && (stream.kind === 'image' || stream.kind === 'audio')
}

/** What only the source itself can check of its options is told with its place, as the schema's errors are. */
function openSource({ name, plugin, options }: CheckedSource, tools: unknown, file: string): Observable<Packet> {
  try {
    return plugin.open(options, tools)
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    throw new EngineError(error.code, `${file}: streams.${name}: ${error.message}`, { cause: error })
  }
}

interface NodeParts {
  readonly tools: unknown
  readonly joinEdge: Edge | undefined
  readonly building: Building
}

function openNode(stream: CheckedNode | CheckedSink, { tools, joinEdge, building }: NodeParts): Observable<Packet> {
  const packetsOf = (from: string) => (building.streams.get(from) as RunningStream).packets
  const input = (): Observable<AnyPacket> => {
    const { from, spec } = stream
    if (typeof from === 'string' || joinEdge === undefined) return packetsOf(from as string)
    const inputs = Object.entries(from).map(([name, other]) => [name, { packets: packetsOf(other) }] as const)
    const { wait = defaultWait, toleranceMs = defaultToleranceMs } = spec
    return join(joinEdge, Object.fromEntries(inputs), { wait, toleranceMs })
  }
  const make = (options: unknown) => {
    const operator = stream.plugin.create(options, tools) as OperatorFunction<AnyPacket, Packet>
    return stream.plugin.type === 'sink' ? feed(input(), operator) : input().pipe(operator)
  }
  const tuning = building.tunings.get(stream.name)
  return tuning ? tuning.remade(make) : defer(() => make(stream.options))
}

/** A sink gives nothing, so it is watched by what goes in: its input comes out again. */
function feed(input: Observable<AnyPacket>, sink: OperatorFunction<AnyPacket, Packet>): Observable<Packet> {
  const shared = input.pipe(onDemand(0))
  return merge(shared.pipe(sink), shared as Observable<Packet>)
}
