import type { Logger } from 'pino'
import type { Playbacks } from './audio/playbacks.ts'
import type { Clock } from './core/clock.ts'
import type { Edge } from './core/edge.ts'
import type { Kind } from './core/packet.ts'
import type { Accepts, Node, Sink, Source } from './core/plugin.ts'
import type { CaptureHosts } from './hosts/capture-hosts.ts'
import type { PlaybackHosts } from './hosts/playback-hosts.ts'
import type { Speech } from './inference/speech.ts'
import type { Vision } from './inference/vision.ts'
import type { BrowserSources } from './streams/browser-sources.ts'
import type { VoiceSessions } from './voice/voice-sessions.ts'

/** What a plug-in may ask of the world. The runner makes one for each stream of a pipeline. */
export interface Tools {
  readonly pipeline: string
  /** The stream that this plug-in makes; its packets carry the name. */
  readonly stream: string
  /** The streams that it reads, side outputs as `<stream>/<output>`. */
  readonly from: readonly string[]
  readonly log: Logger
  readonly clock: Clock
  /** What stands before a node: its policy and counters, for `runEach`. A source has one too, which counts what it lost. */
  readonly edge: Edge
  /** The next `seq` of this source; goes on across restarts. Sources only. */
  nextSeq(): number
  /** Child processes that capture with GStreamer. */
  readonly capture: CaptureHosts
  /** Child processes that play with GStreamer. */
  readonly playback: PlaybackHosts
  /** What speakers have heard of which streams. */
  readonly playbacks: Playbacks
  /** Recognition, voices, and whether somebody speaks. */
  readonly speech: Speech
  /** Conversations by voice. */
  readonly voices: VoiceSessions
  /** Tasks on images, and pictures: decoding, encoding, drawing. */
  readonly vision: Vision
  /** Folder of the clips that set-up fetched. */
  readonly media: string
  /** Frames that web pages send. */
  readonly browser: BrowserSources
}

/** A source plug-in with our tools; its file’s default export. */
export function defineSource<K extends Kind, O>(source: Omit<Source<K, O, Tools>, 'type'>): Source<K, O, Tools> {
  return { type: 'source', ...source }
}
/** A node plug-in with our tools; its file’s default export. */
export function defineNode<const A extends Accepts, K extends Kind, O>(
  node: Omit<Node<A, K, O, Tools>, 'type'>,
): Node<A, K, O, Tools> {
  return { type: 'node', ...node }
}
/** A sink plug-in with our tools; its file’s default export. */
export function defineSink<const A extends Accepts, O>(sink: Omit<Sink<A, O, Tools>, 'type'>): Sink<A, O, Tools> {
  return { type: 'sink', ...sink }
}
