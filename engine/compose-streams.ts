import { join } from 'node:path'
import { Playbacks } from './audio/playbacks.ts'
import type { Config } from './config.ts'
import type { AnchoredClock } from './core/clock.ts'
import type { ClosingStack } from './core/lifecycle.ts'
import { GstCaptureHosts } from './hosts/capture-hosts.ts'
import type { HostStatus, OnHostStart, SharedPool } from './hosts/host.ts'
import { GstPlaybackHosts } from './hosts/playback-hosts.ts'
import type { Speech } from './inference/speech.ts'
import type { Vision } from './inference/vision.ts'
import type { VisionTask } from './inference/vision-task.ts'
import type { Logger } from './log.ts'
import { PipelineSet } from './pipeline-set.ts'
import { loadAllPlugins } from './plugin-folders.ts'
import { BrowserSourceRegistry } from './streams/browser-sources.ts'
import type { Hub } from './streams/hub.ts'
import type { VoiceSessions } from './voice/voice-sessions.ts'

/** What pipelines need of the engine around them. */
export interface StreamsSurroundings {
  readonly config: Pick<Config, 'images' | 'state' | 'pipelines' | 'pipelinesFolder'>
  readonly pool: SharedPool
  readonly vision: Vision
  readonly speech: Speech
  readonly voices: VoiceSessions
  readonly tasks: readonly VisionTask[]
  readonly hub: Hub
  readonly clock: AnchoredClock
  readonly log: Logger
  readonly closing: ClosingStack
  readonly onStart: OnHostStart
}

/** The pipelines, and what they capture, play and are sent with. */
export interface ComposedStreams {
  readonly pipelines: PipelineSet
  readonly browser: BrowserSourceRegistry
  /** Those that capture and play. */
  hosts(): HostStatus[]
}

/** Loads the plug-ins and starts the pipelines of the configuration. Throws as `loadAllPlugins` does. */
export async function composeStreams(around: StreamsSurroundings): Promise<ComposedStreams> {
  const { config, pool, vision, speech, voices, tasks, hub, clock, log, closing, onStart } = around
  const { maxSize } = config.images
  const capture = closing.use('capture hosts', new GstCaptureHosts({ pool, maxSize, onStart }))
  const playback = closing.use('playback hosts', new GstPlaybackHosts({ pool, onStart }))
  const browser = new BrowserSourceRegistry(clock)
  const plugins = await loadAllPlugins(tasks)
  const media = join(config.state, 'media')
  const shared = { clock, capture, playback, playbacks: new Playbacks(), speech, voices, vision, browser, media }
  const parts = { folder: config.pipelinesFolder, plugins, shared, hub, clock, log }
  const pipelines = closing.use('pipelines', new PipelineSet(parts))
  for (const entry of config.pipelines) pipelines.start(entry)
  return { pipelines, browser, hosts: () => [...capture.statuses(), ...playback.statuses()] }
}
