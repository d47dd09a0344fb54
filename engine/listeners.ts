import { join } from 'node:path'
import type { Hono } from 'hono'
import { openOllamaListener } from './compose-chat.ts'
import { uploadPaths } from './compose-house.ts'
import type { Config } from './config.ts'
import type { ClosingStack } from './core/lifecycle.ts'
import { errorBodyFor } from './error-bodies.ts'
import type { Logger } from './log.ts'
import type { Problems } from './problems.ts'
import { projectRoot } from './root.ts'
import type { Fetch } from './server/fetch-bridge.ts'
import { Server } from './server/server.ts'
import type { BrowserSourceRegistry } from './streams/browser-sources.ts'
import type { Hub } from './streams/hub.ts'
import { accessRules } from './token.ts'

/** What the engine's ports serve. */
export interface ListenersOptions {
  readonly config: Config
  readonly hub: Hub
  readonly browserSources: BrowserSourceRegistry
  /** Of the engine's own port. */
  readonly fetch: Fetch
  /** Of Ollama's port; undefined: there are no language models to ask. */
  readonly chat: readonly Hono[] | undefined
  readonly problems: Problems
  readonly log: Logger
  readonly closing: ClosingStack
}

/** Every port that the engine listens on. */
export interface Listeners {
  /** Of the engine's own port. */
  readonly url: string
  /** Lets no new client in while there are no descriptors for it. */
  readonly onDescriptors: (are: 'short' | 'enough') => void
}

/** Listens on the engine's own port, and beside it where the configuration says so. Rejects with `conflict` when its own is taken. */
export async function openListeners(options: ListenersOptions): Promise<Listeners> {
  const { config, hub, browserSources, fetch, chat, problems, log, closing } = options
  const { host, port } = config.listen
  const rules = accessRules(config, log)
  const page = join(projectRoot, 'dist/web')
  const part = log.child({ part: 'server' })
  const served = { hub, browserSources, fetch, page, uploadPaths, errorBody: errorBodyFor, log: part }
  const server = closing.use('server', await Server.listen({ host, port, rules, ...served }))
  const asOllama = { config, rules, problems, log, closing }
  const ollama =
    config.compat.ollama && chat !== undefined ? await openOllamaListener({ ...asOllama, routes: chat }) : undefined
  const servers = [server, ollama].filter((open) => open !== undefined)
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${server.port}`,
    onDescriptors: (are) => {
      for (const open of servers) are === 'short' ? open.pause() : void open.resume()
    },
  }
}
