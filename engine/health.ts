import type { Clock } from './core/clock.ts'
import type { ClosingStack } from './core/lifecycle.ts'
import type { HostStatus } from './hosts/host.ts'
import type { DefaultModel } from './inference/default-model.ts'
import type { HailoDeviceStatus } from './inference/hailo-link.ts'
import { toMb } from './inference/model-list.ts'
import type { VisionStatus } from './inference/vision-engine.ts'
import { MemoryMeter } from './memory-meter.ts'
import type { HailoHealth } from './native/hailo.ts'
import type { PipelineSet } from './pipeline-set.ts'
import type { Problems } from './problems.ts'
import type { DeviceHealth, Health, JobsHealth, LoadHealth, TlsHealth } from './routes/health.ts'

/** What health is read from. */
export interface HealthParts {
  readonly version: string
  readonly clock: Clock
  /** Of all models. */
  readonly status: () => Promise<VisionStatus>
  readonly hailo: () => HailoDeviceStatus
  /** Every child process of the engine. */
  readonly hosts: () => readonly HostStatus[]
  readonly pipelines: PipelineSet
  /** Which models are taken where nobody names one, by task. */
  readonly defaults: () => Promise<Readonly<Record<string, DefaultModel>>>
  readonly jobs: () => Promise<JobsHealth>
  readonly problems: Problems
  readonly load: { readonly status: LoadHealth }
  readonly tls: { health(): TlsHealth } | undefined
  readonly closing: ClosingStack
}

/** Gives what `/api/health` answers. Its watch over memory ends with `closing`. */
export function createHealth(parts: HealthParts): () => Promise<Health> {
  const { version, clock, hailo, hosts, pipelines, problems, load, tls, closing } = parts
  const startedAt = performance.now()
  const meter = new MemoryMeter(() => hosts().flatMap(({ pid }) => pid ?? []))
  closing.defer('memory meter', () => meter.close())
  return async () => {
    const asked = [parts.status(), parts.defaults(), parts.jobs()] as const
    const [{ models, skippedModels }, defaults, jobs] = await Promise.all(asked)
    const all = pipelines.health()
    const troubled = all.some(({ state, streams }) => state === 'failed' || streams.some(isTroubled))
    const lacks = problems.list()
    const device = hailo()
    const isAway = device.state === 'recovering' || device.state === 'failed'
    const lacking = skippedModels.length > 0 || lacks.length > 0 || jobs.state === 'failed'
    return {
      status: troubled || isAway || lacking ? 'degraded' : 'ok',
      version,
      uptime_s: Math.floor((performance.now() - startedAt) / 1000),
      models_loaded: models.filter(({ state }) => state === 'loaded').map(({ name }) => name),
      memory_used_mb: Math.round(meter.bytes / 1e6),
      device_memory_used_mb: toMb(device.health?.memoryUsedBytes),
      clockSteps: clock.steps,
      load: load.status,
      problems: lacks,
      skippedModels,
      devices: { hailo: describeDevice(device), onnx: { state: 'ready' } },
      models,
      defaults,
      jobs,
      pipelines: all,
      hosts: hosts(),
      tls: tls?.health() ?? null,
    }
  }
}

function describeDevice({ state, reason, simulated, library, health, notice }: HailoDeviceStatus): DeviceHealth {
  return {
    state,
    ...(reason === undefined ? {} : { reason }),
    ...(simulated ? { simulated } : {}),
    ...(library === undefined ? {} : { library }),
    ...(health === undefined ? {} : describeHealth(health)),
    ...(notice === undefined ? {} : { notice: `${notice.kind} ${notice.value}` }),
  }
}

function describeHealth(health: HailoHealth): Partial<DeviceHealth> {
  const { board, architecture, firmware, temperature, memoryTotalBytes, memoryUsedBytes } = health
  return {
    ...{ board, architecture, firmware },
    temperature: temperature ?? null,
    memory_used_mb: toMb(memoryUsedBytes),
    memory_total_mb: toMb(memoryTotalBytes),
  }
}

function isTroubled({ state, frozen }: { readonly state: string; readonly frozen: boolean }): boolean {
  return frozen || state === 'failed' || state === 'stalled' || state === 'restarting'
}
