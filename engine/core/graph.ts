import { isMap, isScalar, LineCounter, parseDocument, visit } from 'yaml'
import { z } from 'zod'
import { EngineError, messageOf } from '../errors.ts'
import { type Problem, parseWith, placed } from './places.ts'
import type { EdgePolicy } from './waiting-line.ts'

/** A stream that a source makes. */
export interface SourceSpec {
  readonly source: string
  readonly options: Readonly<Record<string, unknown>>
  /** How long it stays open after its last subscriber, in ms. */
  readonly linger: number
}

/** Another stream, or several, seen through a node. */
export interface NodeSpec {
  readonly node: string
  /** The stream it reads, or a side output of one, `<stream>/<output>`; by input name where a node has several. */
  readonly from: string | Readonly<Record<string, string>>
  /** Absent: as the node has it. */
  readonly edge?: EdgePolicy
  /** Packets that may wait for their partners, per input, 1 to 16; absent: 2. Images that wait hold slots. */
  readonly wait?: number
  /** Largest distance in time of joined packets of different sources, in ms; absent: 50. */
  readonly toleranceMs?: number
  readonly options: Readonly<Record<string, unknown>>
  readonly linger: number
}

/** The end of a stream. */
export interface SinkSpec extends Omit<NodeSpec, 'node' | 'linger'> {
  readonly sink: string
}

/** One named stream of a pipeline, as it was written. */
export type StreamSpec = SourceSpec | NodeSpec | SinkSpec

/** A pipeline as data: from YAML, from the configuration, or from the builder. */
export interface PipelineSpec {
  /** Where it was written, for messages. */
  readonly file: string
  readonly name: string
  readonly streams: Readonly<Record<string, StreamSpec>>
  /** Streams and side outputs that become topics. */
  readonly publish: readonly string[]
  /** What a voice may change while it runs: `<stream>.<option>`. Absent: nothing. */
  readonly voice?: readonly string[]
}

/** The stream that a name means, which may be that of a side output: `<stream>/<output>`. */
export function streamOf(name: string): string {
  return name.split('/', 1)[0] as string
}

/** Reads a pipeline from YAML. Throws `invalid`; the message begins with `<file>: <place>:`, as `streams.people.classes`. */
export function parsePipeline(text: string, file: string): PipelineSpec {
  const lines = new LineCounter()
  const document = parseDocument(text, { uniqueKeys: false, lineCounter: lines })
  const [error] = document.errors
  if (error !== undefined) throw new EngineError('invalid', `${file}: ${error.message}`, { cause: error })
  refuseRepeatedKeys(document, file)
  try {
    return toPipelineSpec(document.toJS(), file)
  } catch (cause) {
    if (cause instanceof EngineError) throw cause
    throw new EngineError('invalid', `${file}: ${messageOf(cause)}`, { cause })
  }
}

/** Checks a pipeline given as a value. Throws `invalid`, naming the place. */
export function toPipelineSpec(value: unknown, file: string): PipelineSpec {
  const parsed = parseWith(pipelineSchema, value)
  if ('problem' in parsed) throw invalid(file, parsed.problem)
  const { name, streams, publish, voice } = parsed.value
  const entries = Object.entries(streams).map(([stream, entry]) => [stream, toStream(entry, stream, file)] as const)
  const spec = { file, name, streams: Object.fromEntries(entries), publish, ...(voice && { voice }) }
  checkReferences(spec)
  return spec
}

/** The streams that a stream reads, with the place in the file where each is named. */
export function inputsOf(
  stream: string,
  spec: StreamSpec,
): { input: string | undefined; from: string; place: string }[] {
  if ('source' in spec) return []
  const place = `streams.${stream}.from`
  if (typeof spec.from === 'string') return [{ input: undefined, from: spec.from, place }]
  return Object.entries(spec.from).map(([input, from]) => ({ input, from, place: `${place}.${input}` }))
}

/** An `invalid` error at a place of a pipeline file. */
export function invalid(file: string, problem: Problem): EngineError {
  return new EngineError('invalid', [file, problem.place, problem.message].filter((part) => part !== '').join(': '))
}

const nameSchema = z.string().regex(/^[a-z][a-z0-9-]*$/, {
  error: ({ input }) => `Expected a name of a-z, 0-9 and - that begins with a letter, received ${input}`,
})
const pipelineSchema = z.strictObject({
  name: nameSchema,
  streams: z.record(nameSchema, z.looseObject({})),
  publish: z.array(z.string()).default([]),
  voice: z.array(z.string()).optional(),
})

const linger = z.number().int().min(0).max(3_600_000)
/** A camera takes long to open; a node does not, and lingering adds up along a chain. */
const sourceLingerMs = 2000
const nodeLingerMs = 0
const sourceSchema = z.looseObject({ source: z.string(), linger: linger.default(sourceLingerMs) })
const inputs = {
  from: z.union([z.string(), z.record(z.string(), z.string())], {
    error: ({ input }) =>
      `Expected the name of a stream, or a map from inputs to streams, received ${toReceived(input)}`,
  }),
  edge: z
    .union(
      [
        z.literal('latest'),
        z.strictObject({
          queue: z.number().int().min(1).max(1024),
          full: z.enum(['oldest', 'newest', 'block']).default('oldest'),
        }),
      ],
      {
        error: ({ input }) =>
          `Expected latest, or { queue: 1 to 1024, full: oldest, newest or block }, received ${toReceived(input)}`,
      },
    )
    .optional(),
  wait: z.number().int().min(1).max(16).optional(),
  toleranceMs: z.number().min(0).max(10_000).optional(),
}
const nodeSchema = z.looseObject({ node: z.string(), ...inputs, linger: linger.default(nodeLingerMs) })
const sinkSchema = z.looseObject({ sink: z.string(), ...inputs })
interface Inputs extends Omit<SinkSpec, 'sink' | 'options' | 'edge' | 'wait' | 'toleranceMs'> {
  readonly edge?: EdgePolicy | undefined
  readonly wait?: number | undefined
  readonly toleranceMs?: number | undefined
  readonly [option: string]: unknown
}

function toReceived(input: unknown): string {
  return input === undefined ? 'none' : JSON.stringify(input)
}

function toStream(entry: Record<string, unknown>, stream: string, file: string): StreamSpec {
  const place = `streams.${stream}`
  const types = ['source', 'node', 'sink'].filter((type) => type in entry)
  if (types.length !== 1)
    throw invalid(file, {
      place,
      message: `Expected either a source, or a node or sink with from, received ${Object.keys(entry).join(', ') || 'nothing'}`,
    })
  const parse = <T>(schema: z.ZodType<T>): T => {
    const parsed = parseWith(schema, entry)
    if ('problem' in parsed) throw invalid(file, placed(place, parsed.problem))
    return parsed.value
  }
  if ('source' in entry) {
    const { source, linger, ...options } = parse(sourceSchema)
    return { source, options, linger }
  }
  if ('sink' in entry) {
    const { sink, ...rest } = parse(sinkSchema)
    return { sink, ...toInputs(rest) }
  }
  const { node, linger, ...rest } = parse(nodeSchema)
  return { node, linger, ...toInputs(rest) }
}

/** What stands before a node or sink, and its options. */
function toInputs({ from, edge, wait, toleranceMs, ...options }: Inputs): Omit<SinkSpec, 'sink'> {
  return {
    from,
    ...(edge === undefined ? {} : { edge }),
    ...(wait === undefined ? {} : { wait }),
    ...(toleranceMs === undefined ? {} : { toleranceMs }),
    options,
  }
}

function checkReferences(spec: PipelineSpec): void {
  const names = Object.keys(spec.streams)
  const refuse = (place: string, name: string) => {
    throw invalid(spec.file, {
      place,
      message: `Expected one of the streams ${names.join(', ') || '(none)'}, received ${name}`,
    })
  }
  for (const [stream, entry] of Object.entries(spec.streams))
    for (const { from, place } of inputsOf(stream, entry)) if (!names.includes(streamOf(from))) refuse(place, from)
  spec.publish.forEach((name, i) => {
    if (!names.includes(streamOf(name))) refuse(`publish.${i}`, name)
    if (spec.publish.indexOf(name) < i)
      throw invalid(spec.file, { place: `publish.${i}`, message: `Expected each stream once, received ${name} again` })
  })
  for (const stream of names) refuseLoop(spec, [stream])
}

function refuseLoop(spec: PipelineSpec, path: readonly string[]): void {
  const last = path.at(-1) as string
  for (const { from: name, place } of inputsOf(last, spec.streams[last] as StreamSpec)) {
    const from = streamOf(name)
    const around = [...path, from]
    if (path[0] === from)
      throw invalid(spec.file, { place, message: `Expected no loop, received ${around.reverse().join(' → ')}` })
    if (!path.includes(from)) refuseLoop(spec, around)
  }
}

function refuseRepeatedKeys(document: ReturnType<typeof parseDocument>, file: string): void {
  visit(document, {
    Map(_, map, path) {
      const keys = map.items.map(({ key }) => String(isScalar(key) ? key.value : key))
      const repeated = keys.find((key, i) => keys.indexOf(key) < i)
      if (repeated === undefined) return
      const parents = path.flatMap((node) => ('key' in node && isScalar(node.key) ? [String(node.key.value)] : []))
      throw invalid(file, {
        place: [...parents, repeated].join('.'),
        message: 'Expected each name once, received it twice',
      })
    },
  })
  if (!isMap(document.contents))
    throw invalid(file, { place: '', message: 'Expected a map with name, streams and publish' })
}
