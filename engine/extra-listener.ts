import { errorBodyFor } from './error-bodies.ts'
import { EngineError } from './errors.ts'
import type { Logger } from './log.ts'
import type { Problems } from './problems.ts'
import type { AccessRules } from './server/access.ts'
import type { Fetch } from './server/fetch-bridge.ts'
import { Server } from './server/server.ts'

/** A port beside the engine's own, for clients that expect another service there. */
export interface ExtraListenerOptions {
  /** The key of the configuration that asks for it, as `compat.ollama`. */
  readonly key: string
  readonly host: string
  readonly port: number
  readonly rules: AccessRules
  /** What answers there, and nothing else. */
  readonly fetch: Fetch
  readonly problems: Problems
  readonly log: Logger
}

/**
 * Listens without page or WebSockets, under the same rules as the engine's own port. A port that is taken is a problem in log and health,
 * and no failure: then undefined. The caller closes it.
 */
export async function openExtraListener(options: ExtraListenerOptions): Promise<Server | undefined> {
  const { key, problems, ...rest } = options
  try {
    return await Server.listen({ ...rest, hub: null, browserSources: null, page: null, errorBody: errorBodyFor })
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'conflict') throw error
    const detail = `${key}: port ${options.port} of ${options.host} is taken, by Ollama itself perhaps. Stop that and start hailstream again, or set ${key} to false`
    problems.report('port', { source: key, detail })
    return undefined
  }
}
