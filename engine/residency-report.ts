import type { Logger } from 'pino'
import { toMb } from './inference/model-list.ts'
import type { ResidencyEvent } from './inference/residency-options.ts'
import type { Metrics } from './metrics.ts'

/** A live stream asks with every frame. */
const sameAgainMs = 10_000

/** Puts loads, unloads and refusals of models into log and metrics. The same refusal is logged once in 10 s. */
export function reportResidency(log: Logger, metrics: Metrics): (event: ResidencyEvent) => void {
  const refused = new Map<string, number>()
  return (event) => {
    metrics.residency(event)
    const { name: model, backend } = event.model
    if (event.what === 'loaded')
      log.info({ model, backend, ms: Math.round(event.ms), mb: toMb(event.bytes) }, 'model loaded')
    else if (event.what === 'unloaded')
      log.info({ model, backend, why: event.why, freedMb: toMb(event.bytes) }, 'model unloaded')
    else if (performance.now() - (refused.get(model) ?? Number.NEGATIVE_INFINITY) > sameAgainMs) {
      refused.set(model, performance.now())
      log.warn({ model, backend, reason: event.reason }, 'model not loaded: no room')
    }
  }
}
