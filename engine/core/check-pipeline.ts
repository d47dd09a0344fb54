import { z } from 'zod'
import {
  inputsOf,
  invalid,
  type NodeSpec,
  type PipelineSpec,
  type SinkSpec,
  type SourceSpec,
  streamOf,
} from './graph.ts'
import type { Kind } from './packet.ts'
import { parseWith, placed } from './places.ts'
import type { InputKind, Node, PlainKind, Plugin, Sink, Source, StreamKind } from './plugin.ts'

/** A stream whose plug-in is found, whose options are parsed, and whose kinds meet. */
export interface CheckedSource {
  readonly name: string
  readonly spec: SourceSpec
  readonly plugin: Source
  readonly options: unknown
  readonly kind: Kind
}
/** A node whose inputs exist and are of the kinds that it takes. */
export interface CheckedNode {
  readonly name: string
  readonly spec: NodeSpec
  readonly plugin: Node
  readonly options: unknown
  readonly kind: StreamKind
  /** What it reads: one stream, or streams by input name. */
  readonly from: string | Readonly<Record<string, string>>
}
/** A sink whose inputs exist and are of the kinds that it takes. */
export interface CheckedSink extends Omit<CheckedNode, 'spec' | 'plugin'> {
  readonly spec: SinkSpec
  readonly plugin: Sink
}
/** A stream that may be opened. */
export type CheckedStream = CheckedSource | CheckedNode | CheckedSink

/** The side outputs of a stream, by name. */
export function outputsOf({ plugin }: CheckedStream): Readonly<Record<string, PlainKind>> {
  return plugin.type === 'node' ? (plugin.outputs ?? {}) : {}
}

/** Checks a pipeline against the plug-ins; opens nothing. Streams come in the order of their data. Throws `invalid` with the place. */
export function checkPipeline(spec: PipelineSpec, plugins: ReadonlyMap<string, Plugin>): readonly CheckedStream[] {
  const checked = new Map<string, CheckedStream>()
  const check = (name: string): CheckedStream => {
    const done = checked.get(name)
    if (done !== undefined) return done
    const stream = spec.streams[name] as SourceSpec | NodeSpec | SinkSpec
    for (const { from } of inputsOf(name, stream)) check(streamOf(from))
    const result =
      'source' in stream
        ? checkSource(spec, name, stream, plugins)
        : new NodeCheck(spec, name, checked).check(stream, plugins)
    checked.set(name, result)
    return result
  }
  for (const name of Object.keys(spec.streams)) check(name)
  spec.publish.forEach((name, i) => {
    kindOf(spec.file, { place: `publish.${i}`, name }, checked)
  })
  checkVoice(spec, [...checked.values()])
  return [...checked.values()]
}

/** What the stream or side output of that name carries. Throws `invalid` where there is nothing to read. */
function kindOf(
  file: string,
  { place, name }: { readonly place: string; readonly name: string },
  checked: ReadonlyMap<string, CheckedStream>,
): Kind {
  const stream = checked.get(streamOf(name)) as CheckedStream
  const names = Object.keys(outputsOf(stream)).map((output) => `${stream.name}/${output}`)
  const kind = name === stream.name ? stream.kind : outputsOf(stream)[name.slice(stream.name.length + 1)]
  if (kind !== undefined && kind !== 'nothing') return kind
  const others = names.length > 0 ? names.join(', ') : `another stream, for ${stream.name} has no outputs`
  const expected = names.length > 0 ? `one of the outputs ${others}` : others
  throw invalid(file, { place, message: `Expected ${expected}, received ${name}` })
}

/** Voices may change only what can be changed while it runs. */
function checkVoice({ file, voice = [] }: PipelineSpec, checked: readonly CheckedStream[]): void {
  const known = checked.flatMap((stream) => {
    const { tunable = [] } = stream.plugin.type === 'node' ? stream.plugin : {}
    return tunable.map((option) => `${stream.name}.${option}`)
  })
  voice.forEach((option, i) => {
    if (known.includes(option)) return
    const expected = `Expected <stream>.<option> of one that can be changed while it runs (${known.join(', ') || 'there is none'})`
    throw invalid(file, { place: `voice.${i}`, message: `${expected}, received ${option}` })
  })
}

function checkSource(
  { file }: PipelineSpec,
  name: string,
  spec: SourceSpec,
  plugins: ReadonlyMap<string, Plugin>,
): CheckedSource {
  const plugin = plugins.get(spec.source)
  if (plugin?.type !== 'source')
    throw invalid(file, { place: `streams.${name}.source`, message: unknownPlugin('source', spec.source, plugins) })
  return { name, spec, plugin, options: parseOptions(file, name, plugin, spec.options), kind: plugin.emits }
}

/** One node's place in its pipeline: do its inputs fit? */
class NodeCheck {
  readonly #file: string
  readonly #prefix: string
  readonly #name: string
  readonly #checked: ReadonlyMap<string, CheckedStream>

  constructor({ file }: PipelineSpec, name: string, checked: ReadonlyMap<string, CheckedStream>) {
    this.#file = file
    this.#prefix = `streams.${name}`
    this.#name = name
    this.#checked = checked
  }

  check(spec: NodeSpec | SinkSpec, plugins: ReadonlyMap<string, Plugin>): CheckedNode | CheckedSink {
    if ('sink' in spec) {
      const plugin = plugins.get(spec.sink)
      if (plugin?.type !== 'sink') this.#refuse('sink', unknownPlugin('sink', spec.sink, plugins))
      return { ...this.#place(spec, plugin), spec, plugin, kind: 'nothing' }
    }
    const plugin = plugins.get(spec.node)
    if (plugin?.type !== 'node') this.#refuse('node', unknownPlugin('node', spec.node, plugins))
    const placed = this.#place(spec, plugin)
    const first = typeof placed.from === 'string' ? placed.from : (Object.values(placed.from)[0] as string)
    const kind = plugin.emits === 'same' ? this.#kindOf('from', first) : plugin.emits
    return { ...placed, spec, plugin, kind }
  }

  #place(spec: NodeSpec | SinkSpec, plugin: Node | Sink) {
    const inputs = joinedInputs(plugin)
    const from = inputs === undefined ? this.#oneInput(spec, plugin) : this.#namedInputs(spec, plugin, inputs)
    this.#checkEdge(spec)
    return { name: this.#name, options: parseOptions(this.#file, this.#name, plugin, spec.options), from }
  }

  #kindOf(place: string, name: string): Kind {
    return kindOf(this.#file, { place: `${this.#prefix}.${place}`, name }, this.#checked)
  }

  #oneInput(spec: NodeSpec | SinkSpec, plugin: Node | Sink): string {
    const accepted = [plugin.accepts].flat() as Kind[]
    if (typeof spec.from !== 'string')
      this.#refuse('from', `Expected the name of one stream, for ${plugin.name} has one input, received a map`)
    for (const key of ['wait', 'toleranceMs'] as const)
      if (spec[key] !== undefined)
        this.#refuse(key, `Expected a node with several inputs, received ${plugin.name}, which has one`)
    this.#checkKind('from', spec.from, accepted, plugin)
    return spec.from
  }

  #namedInputs(
    spec: NodeSpec | SinkSpec,
    plugin: Node | Sink,
    inputs: Readonly<Record<string, InputKind>>,
  ): Record<string, string> {
    const names = Object.keys(inputs)
    const required = names.filter((input) => typeof inputs[input] === 'string')
    const from = typeof spec.from === 'string' ? { [(required[0] ?? names[0]) as string]: spec.from } : spec.from
    for (const input of Object.keys(from))
      if (!names.includes(input))
        this.#refuse(
          `from.${input}`,
          `Expected one of the inputs ${names.join(', ')} of ${plugin.name}, received ${input}`,
        )
    for (const input of required)
      if (from[input] === undefined)
        this.#refuse(`from.${input}`, `Expected a stream of kind ${inputs[input]} for ${plugin.name}, received none`)
    const wired = names.filter((input) => from[input] !== undefined)
    for (const input of wired) {
      const accepts = inputs[input] as InputKind
      const place = typeof spec.from === 'string' ? 'from' : `from.${input}`
      this.#checkKind(place, from[input] as string, [typeof accepts === 'string' ? accepts : accepts.kind], plugin)
    }
    return Object.fromEntries(wired.map((input) => [input, from[input] as string]))
  }

  #checkKind(place: string, from: string, accepted: readonly Kind[], plugin: Node | Sink): void {
    const kind = this.#kindOf(place, from)
    if (!accepted.includes(kind))
      this.#refuse(place, `Expected ${accepted.join(' or ')} for ${plugin.name}, received ${kind} from ${from}`)
  }

  /** `block` needs a source that waits: one whose pace is `max`. */
  #checkEdge({ edge, from }: NodeSpec | SinkSpec): void {
    if (edge === undefined || edge === 'latest' || edge.full !== 'block') return
    const source = typeof from === 'string' ? this.#checked.get(from) : undefined
    const { pace } = (source?.options ?? {}) as { pace?: unknown }
    if (
      source === undefined ||
      !('source' in source.spec) ||
      !['image', 'audio'].includes(source.kind) ||
      pace !== 'max'
    )
      this.#refuse(
        'edge.full',
        'Expected oldest or newest, for block works only directly behind a source of images or sound with pace: max, received block',
      )
  }

  #refuse(place: string, message: string): never {
    throw invalid(this.#file, { place: `${this.#prefix}.${place}`, message })
  }
}

/** The inputs of a node that has several; undefined for a node with one. */
function joinedInputs({ accepts }: Node | Sink): Readonly<Record<string, InputKind>> | undefined {
  return typeof accepts === 'string' || Array.isArray(accepts) ? undefined : accepts
}

/** Options as the plug-in takes them. Throws `invalid` with the place. */
export function parseOptions(file: string, stream: string, plugin: Plugin, options: unknown): unknown {
  const schema = plugin.options instanceof z.ZodObject ? plugin.options.strict() : plugin.options
  const parsed = parseWith(schema, options)
  if ('problem' in parsed) throw invalid(file, placed(`streams.${stream}`, parsed.problem))
  return parsed.value
}

function unknownPlugin(type: Plugin['type'], name: string, plugins: ReadonlyMap<string, Plugin>): string {
  const known = [...plugins.values()].filter((plugin) => plugin.type === type).map((plugin) => plugin.name)
  const found = plugins.get(name)
  return `Expected one of the ${type}s ${known.sort().join(', ') || '(none)'}, received ${found === undefined ? name : `the ${found.type} ${name}`}`
}
