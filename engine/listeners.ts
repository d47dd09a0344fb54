import { join } from 'node:path'
import type { Hono } from 'hono'
import { openOllamaListener } from './compose-chat.ts'
import { uploadPaths } from './compose-house.ts'
import type { ComposedTls } from './compose-tls.ts'
import { openWyoming, type WyomingSurroundings } from './compose-wyoming.ts'
import type { Config } from './config.ts'
import type { ClosingStack } from './core/lifecycle.ts'
import { errorBodyFor } from './error-bodies.ts'
import type { Logger } from './log.ts'
import type { Problems } from './problems.ts'
import { projectRoot } from './root.ts'
import type { Fetch } from './server/fetch-bridge.ts'
import { Server, type ServerOptions } from './server/server.ts'
import type { SocketApp } from './server/socket-app.ts'
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
  /** Protocols by WebSocket, on the engine's own port. */
  readonly socketApps: readonly SocketApp[]
  /** Of Ollama's port; undefined: there are no language models to ask. */
  readonly chat: readonly Hono[] | undefined
  /** Undefined: plain HTTP alone. */
  readonly tls: ComposedTls | undefined
  /** What answers over Wyoming. */
  readonly assistant: WyomingSurroundings['assistant']
  readonly version: string
  readonly problems: Problems
  readonly log: Logger
  readonly closing: ClosingStack
}

/** Every port that the engine listens on. */
export interface Listeners {
  /** Of the engine's own port. */
  readonly url: string
  /** Of the port that speaks TLS. */
  readonly secureUrl: string | undefined
  /** Lets no new client in while there are no descriptors for it. */
  readonly onDescriptors: (are: 'short' | 'enough') => void
}

/** Listens on the engine's own port, and beside it where the configuration says so. Rejects with `conflict` when one of its own is taken. */
export async function openListeners(options: ListenersOptions): Promise<Listeners> {
  const { config, hub, browserSources, fetch, socketApps, chat, tls, problems, log, closing } = options
  const { host, port } = config.listen
  const given = accessRules(config, log)
  const rules = { ...given, origins: [...given.origins, ...(tls?.origins ?? [])] }
  const page = join(projectRoot, 'dist/web')
  const part = log.child({ part: 'server' })
  const served = { hub, browserSources, socketApps, fetch, page, uploadPaths, errorBody: errorBodyFor, log: part }
  const server = closing.use('server', await Server.listen({ host, port, rules, ...served }))
  const secure = tls && (await openSecure({ host, rules, ...served }, tls, closing))
  const asOllama = { config, rules, problems, log, closing }
  const ollama =
    config.compat.ollama && chat !== undefined ? await openOllamaListener({ ...asOllama, routes: chat }) : undefined
  const wyoming = await openWyoming(options)
  const servers = [server, secure, ollama].filter((open) => open !== undefined)
  const name = host.includes(':') ? `[${host}]` : host
  return {
    url: `http://${name}:${server.port}`,
    secureUrl: secure && `https://${name}:${secure.port}`,
    onDescriptors: (are) => {
      for (const open of servers) are === 'short' ? open.pause() : void open.resume()
      wyoming?.onDescriptors(are)
    },
  }
}

/** The same as on the engine's own port, over TLS. */
async function openSecure(
  options: Omit<ServerOptions, 'port'>,
  tls: ComposedTls,
  closing: ClosingStack,
): Promise<Server> {
  const server = await Server.listen({ ...options, port: tls.port, tls: tls.certificate })
  closing.use('TLS server', server)
  tls.opened(server.port)
  return server
}
