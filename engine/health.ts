import type { Clock } from './core/clock.ts'
import type { ClosingStack } from './core/lifecycle.ts'
import type { CaptureHosts } from './hosts/capture-hosts.ts'
import type { VisionEngine } from './inference/vision-engine.ts'
import { MemoryMeter } from './memory-meter.ts'
import type { PipelineSet } from './pipeline-set.ts'
import type { Problems } from './problems.ts'
import type { Health, LoadHealth } from './routes/health.ts'

/** What health is read from. */
export interface HealthParts {
  readonly version: string
  readonly clock: Clock
  readonly vision: VisionEngine
  readonly capture: CaptureHosts
  readonly pipelines: PipelineSet
  readonly problems: Problems
  readonly load: { readonly status: LoadHealth }
  readonly closing: ClosingStack
}

/** Gives what `/api/health` answers. Its watch over memory ends with `closing`. */
export function createHealth(parts: HealthParts): () => Promise<Health> {
  const { version, clock, vision, capture, pipelines, problems, load, closing } = parts
  const startedAt = performance.now()
  const hosts = () => [...vision.hosts(), ...capture.statuses()]
  const meter = new MemoryMeter(() => hosts().flatMap(({ pid }) => pid ?? []))
  closing.defer('memory meter', () => meter.close())
  return async () => {
    const { models, skippedModels } = await vision.status()
    const all = pipelines.health()
    const troubled = all.some(({ state, streams }) => state === 'failed' || streams.some(isTroubled))
    const lacks = problems.list()
    return {
      status: troubled || skippedModels.length > 0 || lacks.length > 0 ? 'degraded' : 'ok',
      version,
      uptime_s: Math.floor((performance.now() - startedAt) / 1000),
      models_loaded: models.filter(({ state }) => state === 'loaded').map(({ name }) => name),
      memory_used_mb: Math.round(meter.bytes / 1e6),
      device_memory_used_mb: null,
      clockSteps: clock.steps,
      load: load.status,
      problems: lacks,
      skippedModels,
      devices: { hailo: { state: 'absent', reason: 'this build has no HailoRT' }, onnx: { state: 'ready' } },
      models,
      pipelines: all,
      hosts: hosts(),
    }
  }
}

function isTroubled({ state, frozen }: { readonly state: string; readonly frozen: boolean }): boolean {
  return frozen || state === 'failed' || state === 'stalled' || state === 'restarting'
}
