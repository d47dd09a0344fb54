import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { map, NEVER, type Observable } from 'rxjs'
import type { Clock } from './core/clock.ts'
import { Edge } from './core/edge.ts'
import { inputsOf, type PipelineSpec, parsePipeline, streamOf, toPipelineSpec } from './core/graph.ts'
import { ClosingStack } from './core/lifecycle.ts'
import { createPacket, type Kind, type Packet, type PacketOf } from './core/packet.ts'
import type { Node, Plugin } from './core/plugin.ts'
import { buildPipeline, type Pipeline, type RunningStream } from './core/runner.ts'
import { type StreamStatus, SupervisedStream } from './core/running-stream.ts'
import type { OptionValues, Tuning } from './core/tuning.ts'
import { EngineError, messageOf } from './errors.ts'
import type { Logger } from './log.ts'
import type { PipelineHealth } from './routes/health.ts'
import type { PipelineSummary } from './routes/pipelines.ts'
import type { Hub, Offer } from './streams/hub.ts'
import { messageSchema } from './streams/message-schema.ts'
import type { Tools } from './tools.ts'

/** What the plug-ins of every pipeline share. */
export type SharedTools = Omit<Tools, 'pipeline' | 'stream' | 'from' | 'log' | 'edge' | 'nextSeq'>

/** What the pipelines are built with. `folder` holds their files. */
export interface PipelineSetOptions {
  readonly folder: string
  readonly plugins: ReadonlyMap<string, Plugin>
  readonly shared: SharedTools
  readonly hub: Hub
  readonly clock: Clock
  readonly log: Logger
}

interface Running extends Pipeline {
  readonly spec: PipelineSpec
}

/** A pipeline that could not be built: the others run, and health says why this one does not. */
interface Broken {
  readonly name: string
  readonly error: string
}

/** An option that a pipeline lets voices change. */
export interface VoiceParameter {
  /** `<pipeline>/<stream>.<option>`. */
  readonly name: string
  readonly pipeline: string
  readonly stream: string
  readonly option: string
  readonly tuning: Pick<Tuning, 'values' | 'schemaOf'>
}

/** The pipelines that run, and their topics in the hub. Disposing closes them newest first. */
export class PipelineSet implements AsyncDisposable {
  readonly #options: PipelineSetOptions
  readonly #closing = new ClosingStack()
  readonly #running: Running[] = []
  readonly #broken: Broken[] = []

  constructor(options: PipelineSetOptions) {
    this.#options = options
  }

  /** Starts one by the name of its file, or as written inline. A mistake in it is logged and shown in health; it never throws for one. */
  start(entry: string | Readonly<Record<string, unknown>>): void {
    try {
      this.#run(readPipeline(entry, this.#options.folder))
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      const name = typeof entry === 'string' ? entry : String(entry.name ?? 'inline')
      this.#broken.push({ name, error: error.message })
      this.#options.log.error({ pipeline: name, reason: error.message }, 'pipeline not started')
    }
  }

  /** Every pipeline with its streams, as `/api/health` shows them. */
  health(): PipelineHealth[] {
    const running = this.#running.map(({ name, streams }) => {
      const states = [...streams.values()].map((stream) => stream.status())
      return { name, state: 'running', streams: states }
    })
    return [...running, ...this.#broken.map(({ name, error }) => ({ name, state: 'failed', error, streams: [] }))]
  }

  /** Every pipeline with what its streams are made of. */
  summary(): PipelineSummary[] {
    const running = this.#running.map(({ name, spec, publish, streams, tunings }) => ({
      name,
      state: 'running',
      streams: [...streams.values()].map(({ name: stream, kind, plugin }) => {
        const tunable = tunings.get(stream)?.values ?? {}
        return {
          name: stream,
          kind,
          plugin,
          source: sourceOf(spec, stream),
          published: publish.includes(stream),
          tunable,
        }
      }),
    }))
    return [...running, ...this.#broken.map(({ name }) => ({ name, state: 'failed', streams: [] }))]
  }

  /**
   * Changes options of a stream that runs, all of them or none, until the engine stops; null leaves one out again. Gives all that can be changed
   * of it, as it is then. Throws `not-found`, or `invalid` with the place.
   */
  tune(pipeline: string, stream: string, values: OptionValues): OptionValues {
    const { tunings, streams } = this.#find(pipeline)
    if (!streams.has(stream))
      throw new EngineError(
        'not-found',
        `Expected a stream of ${pipeline} (${[...streams.keys()].join(', ')}), received ${stream}`,
      )
    const tuning = tunings.get(stream)
    if (!tuning)
      throw new EngineError(
        'invalid',
        `Expected a stream with options that can be changed while it runs; ${stream} has none`,
      )
    tuning.change(values)
    this.#options.log.info({ pipeline, stream, options: values }, 'options of a stream were changed')
    return tuning.values
  }

  /** What pipelines let voices change: `<pipeline>/<stream>.<option>`, as it is now. */
  voiceParameters(): VoiceParameter[] {
    return this.#running.flatMap(({ name: pipeline, spec, tunings }) =>
      (spec.voice ?? []).flatMap((listed) => {
        const [stream = '', option = ''] = listed.split('.')
        const tuning = tunings.get(stream)
        return tuning ? [{ name: `${pipeline}/${listed}`, pipeline, stream, option, tuning }] : []
      }),
    )
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#closing[Symbol.asyncDispose]()
  }

  #find(name: string): Running {
    const found = this.#running.find((pipeline) => pipeline.name === name)
    if (found) return found
    const names = this.#running.map((pipeline) => pipeline.name).join(', ')
    throw new EngineError('not-found', `Expected a pipeline that runs (${names}), received ${name}`)
  }

  #run(spec: PipelineSpec): void {
    const { plugins, clock, log, hub } = this.#options
    if (this.#running.some(({ name }) => name === spec.name))
      throw new EngineError(
        'conflict',
        `${spec.file}: name: Expected another name, for a pipeline ${spec.name} runs already`,
      )
    const tools = (stream: string, edge: Edge, nextSeq: () => number) => this.#tools(spec, stream, edge, nextSeq)
    const pipeline = buildPipeline(spec, { plugins, tools, clock, log: log.child({ pipeline: spec.name }) })
    this.#closing.use(`pipeline ${spec.name}`, pipeline)
    this.#running.push({ ...pipeline, spec })
    const offer = (name: string, offered: Offer) => {
      const topic = `${spec.name}/${name}`
      this.#closing.defer(`topic ${topic}`, hub.offer(topic, offered))
    }
    for (const name of pipeline.publish) {
      const stream = pipeline.streams.get(name)
      if (stream !== undefined) offer(name, this.#offer(spec, stream))
    }
    for (const stream of pipeline.streams.values())
      if (sourceOf(spec, stream.name) === stream.name) offer(`${stream.name}/state`, offerStates(stream, clock))
    pipeline.openSinks()
  }

  #tools(spec: PipelineSpec, stream: string, edge: Edge, nextSeq: () => number): Tools {
    const pipeline = spec.name
    const log = this.#options.log.child({ pipeline, stream })
    const entry = spec.streams[stream]
    const from = entry === undefined ? [] : inputsOf(stream, entry).map((input) => input.from)
    return { ...this.#options.shared, pipeline, stream, from, log, edge, nextSeq }
  }

  /** Topics carry encoded pictures: raw ones pass through the node `jpeg`, watched like any stream, so that its failures are told. */
  #offer(spec: PipelineSpec, stream: RunningStream): Offer {
    const { packets } = stream
    const kind = stream.kind as Kind
    const schema = messageSchema(kind)
    return kind === 'image' ? { kind, schema, packets: this.#encoded(spec, stream) } : { kind, schema, packets }
  }

  #encoded(spec: PipelineSpec, { name: stream, packets }: RunningStream): Observable<Packet> {
    const pipeline = spec.name
    const { plugins, clock, log } = this.#options
    const jpeg = plugins.get('jpeg') as Node<'image', 'image'>
    const name = `${stream} as JPEG`
    const edge = new Edge(`${pipeline}/${name}`)
    const encode = jpeg.create(
      jpeg.options.parse({}),
      this.#tools(spec, stream, edge, () => 0),
    )
    return new SupervisedStream({
      name,
      kind: 'image',
      plugin: jpeg.name,
      edge,
      joinEdge: undefined,
      opened: (packets as Observable<PacketOf<'image'>>).pipe(encode),
      linger: 0,
      onSilence: 'wait',
      onFrozen: 'wait',
      // The hub leaves it when the topic is taken back.
      closed: NEVER,
      clock,
      log: log.child({ pipeline }),
    }).packets
  }
}

/** A pipeline of the configuration: the name of its file in the folder, or written inline. Throws `not-found`, or `invalid` with the place. */
export function readPipeline(entry: string | Readonly<Record<string, unknown>>, folder: string): PipelineSpec {
  if (typeof entry !== 'string') return toPipelineSpec(entry, 'configuration: pipelines')
  const file = join(folder, `${entry}.yaml`)
  return parsePipeline(readText(file), file)
}

/** How a source is: an event at each change, and the newest for who comes later. Listening does not open the source. */
function offerStates({ name, changes }: RunningStream, clock: Clock): Offer {
  const stream = `${name}/state`
  let seq = 0
  const toPacket = ({ state, frozen, error }: StreamStatus): Packet => {
    const payload = { kind: 'event', name: 'state', state, frozen, ...(error === undefined ? {} : { error }) } as const
    return createPacket({ stream, source: stream, seq: seq++, capturedAt: clock.now(), payload })
  }
  return { kind: 'event', schema: messageSchema('event'), tellsLatest: true, packets: changes.pipe(map(toPacket)) }
}

/** The source at the beginning of a stream, by first inputs; a checked pipeline has no loops. */
function sourceOf(spec: PipelineSpec, stream: string): string {
  const name = streamOf(stream)
  const entry = spec.streams[name]
  const [input] = entry === undefined ? [] : inputsOf(name, entry)
  return input === undefined ? name : sourceOf(spec, input.from)
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new EngineError('not-found', `Expected a pipeline at ${file}: ${messageOf(error)}`, { cause: error })
  }
}
