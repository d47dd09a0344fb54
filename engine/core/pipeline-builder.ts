import { type PipelineSpec, toPipelineSpec } from './graph.ts'
import type { EdgePolicy } from './waiting-line.ts'

/** A stream as a pipeline file has it: reserved keys, and beside them the plug-in's options. */
type SourceEntry = { readonly source: string; readonly linger?: number; readonly [option: string]: unknown }
/** A stream, or a side output of one. */
type Name<S extends string> = S | `${S}/${string}`
type Inputs<S extends string> = {
  readonly from: Name<S> | Readonly<Record<string, Name<S>>>
  readonly edge?: EdgePolicy
  readonly wait?: number
  readonly toleranceMs?: number
  readonly [option: string]: unknown
}
type NodeEntry<S extends string> = Inputs<S> & { readonly node: string; readonly linger?: number }
type SinkEntry<S extends string> = Inputs<S> & { readonly sink: string }

/** Builds the same `PipelineSpec` as a YAML file; a `from` or `publish` that names no earlier stream does not compile. */
export interface PipelineBuilder<S extends string> {
  stream<N extends string>(name: N, entry: SourceEntry | NodeEntry<S> | SinkEntry<S>): PipelineBuilder<S | N>
  /** The whole pipeline, with the streams that become topics. Throws `invalid` as `parsePipeline` does. */
  publish(...names: Name<S>[]): PipelineSpec
}

/** Begins a pipeline: `pipeline('p').stream('camera', { source: 'test' }).publish('camera')`. */
export function pipeline(name: string): PipelineBuilder<never> {
  return createBuilder(name, {})
}

function createBuilder<S extends string>(name: string, streams: Readonly<Record<string, object>>): PipelineBuilder<S> {
  return {
    stream: (stream, entry) => createBuilder(name, { ...streams, [stream]: entry }),
    publish: (...publish) => toPipelineSpec({ name, streams, publish }, `pipeline ${name}`),
  }
}
