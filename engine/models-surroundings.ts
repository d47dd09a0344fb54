import type { Config } from './config.ts'
import type { ClosingStack } from './core/lifecycle.ts'
import type { SharedPool } from './hosts/host.ts'
import type { Logger } from './log.ts'
import type { Metrics } from './metrics.ts'
import type { Problems } from './problems.ts'

/** What the models need of the engine around them. */
export interface ModelsSurroundings {
  readonly config: Config
  readonly pool: SharedPool
  readonly log: Logger
  readonly closing: ClosingStack
  readonly metrics: Metrics
  readonly problems: Problems
}
