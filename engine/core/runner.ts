import { defer, type Observable, ReplaySubject } from 'rxjs'
import { EngineError } from '../errors.ts'
import { type CheckedNode, type CheckedSource, type CheckedStream, checkPipeline } from './check-pipeline.ts'
import type { Clock } from './clock.ts'
import { Edge, join } from './edge.ts'
import type { PipelineSpec } from './graph.ts'
import type { Packet } from './packet.ts'
import type { AnyPacket, Plugin } from './plugin.ts'
import { type GraphLog, type RunningStream, SupervisedStream } from './running-stream.ts'

export type { RunningStream, StreamStatus } from './running-stream.ts'

/** A pipeline that runs: nothing of it is open until somebody subscribes. Disposing closes all its streams, which complete. */
export interface Pipeline extends AsyncDisposable {
  readonly name: string
  readonly streams: ReadonlyMap<string, RunningStream>
  /** Streams that become topics `<pipeline>/<stream>`. */
  readonly publish: readonly string[]
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
  for (const stream of checked) streams.set(stream.name, buildStream(stream, { spec, parts, closed, streams }))
  return {
    name: spec.name,
    streams,
    publish: spec.publish,
    [Symbol.asyncDispose]: async () => closed.next(),
  }
}

/** What the streams of one pipeline share while they are built. */
interface Building {
  readonly spec: PipelineSpec
  readonly parts: PipelineParts
  readonly closed: Observable<void>
  /** Those that this one may read. */
  readonly streams: ReadonlyMap<string, RunningStream>
}

function buildStream(stream: CheckedStream, building: Building): RunningStream {
  const { spec, parts, closed } = building
  const { name, kind } = stream
  const edge = new Edge(`${spec.name}/${name}`, 'edge' in stream.spec ? stream.spec.edge : 'latest')
  let seq = 0
  const tools = parts.tools(name, edge, () => seq++)
  const joinEdge = 'from' in stream && typeof stream.from !== 'string' ? new Edge(`${edge.name}:join`) : undefined
  const opened =
    'from' in stream ? openNode(stream, { tools, joinEdge, building }) : openSource(stream, tools, spec.file)
  return new SupervisedStream({
    name,
    kind,
    plugin: stream.plugin.name,
    edge,
    joinEdge,
    opened,
    linger: stream.spec.linger,
    onSilence: mustTalk(stream) ? 'reopen' : 'wait',
    onFrozen: 'from' in stream || !stream.plugin.live ? 'wait' : 'reopen',
    closed,
    clock: parts.clock,
    log: parts.log,
  })
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

function openNode(stream: CheckedNode, { tools, joinEdge, building }: NodeParts): Observable<Packet> {
  const packetsOf = (from: string) => (building.streams.get(from) as RunningStream).packets
  const input = (): Observable<AnyPacket> => {
    const { from, spec } = stream
    if (typeof from === 'string' || joinEdge === undefined) return packetsOf(from as string)
    const inputs = Object.entries(from).map(([name, other]) => [name, { packets: packetsOf(other) }] as const)
    const { wait = defaultWait, toleranceMs = defaultToleranceMs } = spec
    return join(joinEdge, Object.fromEntries(inputs), { wait, toleranceMs })
  }
  return defer(() =>
    input().pipe(stream.plugin.create(stream.options, tools) as (packets: Observable<AnyPacket>) => Observable<Packet>),
  )
}
