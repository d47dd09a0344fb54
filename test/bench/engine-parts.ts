import type { Clock } from '../../engine/core/clock.ts'
import type { Edge } from '../../engine/core/edge.ts'
import { toPipelineSpec } from '../../engine/core/graph.ts'
import { ClosingStack } from '../../engine/core/lifecycle.ts'
import type { Node, Source } from '../../engine/core/plugin.ts'
import { byName } from '../../engine/core/registry.ts'
import { buildPipeline } from '../../engine/core/runner.ts'
import { GstCaptureHosts } from '../../engine/hosts/capture-hosts.ts'
import type { SharedPool } from '../../engine/hosts/host.ts'
import type { Vision } from '../../engine/inference/vision.ts'
import { Server } from '../../engine/server/server.ts'
import { BrowserSourceRegistry } from '../../engine/streams/browser-sources.ts'
import { Hub } from '../../engine/streams/hub.ts'
import type { Tools } from '../../engine/tools.ts'
import { openRules } from '../support/server.ts'
import { silentLog } from '../support/topic-packets.ts'

/** What the parts are made of; the pool stays its owner's. */
export interface PartsOptions {
  readonly clock: Clock
  readonly pool: SharedPool
  /** As in a pipeline's file; the one stream that it publishes becomes the topic. */
  readonly pipeline: { readonly name: string; readonly publish: readonly string[] }
  readonly plugins: readonly (Source | Node)[]
  readonly vision: Vision
}

/**
 * The parts of the engine between camera and socket, as `app.ts` connects them, in this process: the clock whose times are in
 * the messages can be read, and so can the edges. Disposing closes them.
 */
export class EngineParts implements AsyncDisposable {
  readonly topicUrl: string
  readonly edges: readonly Edge[]
  readonly #capture: GstCaptureHosts
  readonly #closing: ClosingStack

  private constructor(parts: { topicUrl: string; edges: Edge[]; capture: GstCaptureHosts; closing: ClosingStack }) {
    this.topicUrl = parts.topicUrl
    this.edges = parts.edges
    this.#capture = parts.capture
    this.#closing = parts.closing
  }

  static async start({ clock, pool, pipeline, plugins, vision }: PartsOptions): Promise<EngineParts> {
    const closing = new ClosingStack()
    const maxSize = { width: 1280, height: 720 }
    const capture = closing.use('capture hosts', new GstCaptureHosts({ pool, maxSize }))
    const hub = new Hub({ clock, log: silentLog, readImage: ({ slot, bytes }) => pool.memory.read(slot, 0, bytes) })
    const browser = new BrowserSourceRegistry(clock)
    const edges: Edge[] = []
    const tools = (stream: string, edge: Edge, nextSeq: () => number): Tools => {
      edges.push(edge)
      const shared = { clock, capture, vision, browser, media: '', log: silentLog }
      // The plug-ins of benchmarks ask for nothing else.
      return { ...shared, pipeline: pipeline.name, stream, edge, nextSeq } as Partial<Tools> as Tools
    }
    const spec = toPipelineSpec(pipeline, pipeline.name)
    const built = buildPipeline(spec, { plugins: byName([...plugins]), tools, clock, log: silentLog })
    closing.use('pipeline', built)
    const [stream = ''] = pipeline.publish
    const topic = `${pipeline.name}/${stream}`
    hub.offer(topic, { kind: 'objects', packets: built.streams.get(stream)!.packets })
    const fetch = () => new Response('no routes here')
    const needs = { hub, browserSources: browser, fetch, page: null, log: silentLog, rules: openRules }
    const server = await Server.listen({ host: '127.0.0.1', port: 0, ...needs })
    closing.use('server', server)
    return new EngineParts({ topicUrl: `ws://127.0.0.1:${server.port}/ws/${topic}`, edges, capture, closing })
  }

  /** The processes of the capture hosts. */
  get capturePids(): readonly number[] {
    return this.#capture.statuses().flatMap(({ pid }) => pid ?? [])
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#closing[Symbol.asyncDispose]()
  }
}
