import * as uws from 'uWebSockets.js'
import { type AddressInfo, createServer } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import type { Logger } from 'pino'
import { EngineError, messageOf } from '../errors.ts'
import { addon } from '../native/addon.ts'
import type { BrowserSourceRegistry } from '../streams/browser-sources.ts'
import type { Hub } from '../streams/hub.ts'
import { Access, type AccessRules } from './access.ts'
import { AppSockets } from './app-sockets.ts'
import { type ErrorBody, type Fetch, FetchBridge } from './fetch-bridge.ts'
import { PlainGroups } from './plain-groups.ts'
import type { BodyLimits } from './request-body.ts'
import type { SocketApp } from './socket-app.ts'
import { serveFile } from './static-files.ts'
import { WebSockets } from './web-sockets.ts'

/**
 * What the kernel keeps of a request. As often as it fills the 512 KiB that uWebSockets.js reads at once, that reads on, whatever was
 * said of pausing: a quick client on this machine would bring its whole upload into memory before anything else had its turn.
 */
const receiveBufferBytes = 196_608

/** What the server listens on and serves. */
export interface ServerOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** Files of the certificate and its key, PEM, which have been found to fit; left out: a plain listener. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string } | undefined
  readonly rules: AccessRules
  /** What comes and goes by WebSockets; null: a listener without any. */
  readonly hub: Hub | null
  readonly browserSources: BrowserSourceRegistry | null
  /** Protocols by WebSocket with paths of their own. */
  readonly socketApps?: readonly SocketApp[]
  /** Answers every request that is neither a WebSocket nor a file of the page. */
  readonly fetch: Fetch
  /** Folder of the built page; null serves none. */
  readonly page: string | null
  /** Paths whose forms (`multipart/form-data`) are read while they arrive: large files. */
  readonly uploadPaths?: ReadonlySet<string>
  readonly log: Logger
  /** The body of what is answered before a route is asked; left out: the house's. */
  readonly errorBody?: ErrorBody
  readonly limits?: Partial<BodyLimits & { readonly maxSockets: number }>
}

const defaultLimits = {
  maxBodyBytes: 67_108_864,
  maxPendingBytes: 268_435_456,
  bodyDeadlineMs: 30_000,
  maxUploadBytes: 104_857_600,
  maxPendingUploadBytes: 1_073_741_824,
  uploadIdleMs: 30_000,
  maxSockets: 4096,
}

/** How long clients have, after the close frame, to take it and hang up. */
const closingGraceMs = 300

/** A listening port: WebSockets, routes and the page. Closing it ends all connections. */
export class Server implements AsyncDisposable {
  /** The one that it listens on, also while paused. */
  readonly port: number
  readonly #app: uws.TemplatedApp
  readonly #options: ServerOptions
  /** Undefined while no new client is let in. */
  #listening: uws.us_listen_socket | undefined
  readonly #sockets: readonly (WebSockets | AppSockets)[]
  readonly #bridge: FetchBridge
  #closed: Promise<void> | undefined
  #resuming = false

  private constructor({ app, port, listening, sockets, bridge, options }: ServerParts) {
    this.#app = app
    this.port = port
    this.#options = options
    this.#listening = listening
    this.#sockets = sockets
    this.#bridge = bridge
  }

  /** Starts to listen. Rejects with `conflict` when the port is taken or the address is not this machine's. */
  static async listen(options: ServerOptions): Promise<Server> {
    const { host, tls, log, errorBody } = options
    const port = await findFree(host, options.port)
    const access = new Access(options.rules, host)
    const limits = { ...defaultLimits, ...options.limits }
    const app = tls === undefined ? uws.App() : uws.SSLApp({ cert_file_name: tls.certFile, key_file_name: tls.keyFile })
    const sockets = openSockets(app, options, { access, maxSockets: limits.maxSockets })
    const bridge = new FetchBridge(withPage(options), {
      ...{ access, log, uploadPaths: options.uploadPaths, scheme: tls === undefined ? 'http' : 'https', ...limits },
      ...(errorBody && { errorBody }),
    })
    app.any('/*', (out, incoming) => bridge.handle(out, incoming))
    const listening = await listen(app, host, port)
    return new Server({ app, port, listening, sockets, bridge, options })
  }

  /** Open WebSockets. */
  get clients(): number {
    return this.#sockets.reduce((sum, { size }) => sum + size, 0)
  }

  /**
   * Lets no new client in; connections go on. uWebSockets.js would ask the kernel for a waiting client again and again, a core's
   * whole time, while there is no descriptor for it.
   */
  pause(): void {
    if (this.#listening === undefined || this.#closed) return
    uws.us_listen_socket_close(this.#listening)
    this.#listening = undefined
    this.#options.log.warn('new clients are not let in')
  }

  /** Lets clients in again, on the same port. Call it again while another process has taken it. */
  async resume(): Promise<void> {
    if (this.#listening !== undefined || this.#closed || this.#resuming) return
    const { host, log } = this.#options
    this.#resuming = true
    try {
      this.#listening = await listen(this.#app, host, this.port)
      log.info('new clients are let in again')
    } catch (error) {
      log.error({ error: messageOf(error) }, 'new clients cannot be let in')
    } finally {
      this.#resuming = false
    }
  }

  /** Stops listening, tells WebSockets 1012, ends requests. May be called twice. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    if (this.#listening !== undefined) uws.us_listen_socket_close(this.#listening)
    this.#bridge.close()
    if (this.clients > 0) {
      for (const sockets of this.#sockets) sockets.closeAll()
      await wait(closingGraceMs)
    }
    this.#app.close()
  }
}

/** Files of the page first, where there are any. */
function withPage({ fetch, page }: ServerOptions): Fetch {
  if (page === null) return fetch
  return async (request) => (await serveFile(page, request)) ?? fetch(request)
}

interface SocketRules {
  readonly access: Access
  readonly maxSockets: number
}

function openSockets(
  app: uws.TemplatedApp,
  { socketApps = [], errorBody, ...topics }: ServerOptions,
  rules: SocketRules,
): (WebSockets | AppSockets)[] {
  const apps = socketApps.map((socketApp) => {
    const sockets = new AppSockets({ app: socketApp, ...rules, ...(errorBody && { errorBody }) })
    for (const path of socketApp.paths) app.ws(path, sockets.behavior())
    return sockets
  })
  return [...openTopicSockets(app, topics, rules), ...apps]
}

function openTopicSockets(
  app: uws.TemplatedApp,
  { hub, browserSources }: Pick<ServerOptions, 'hub' | 'browserSources'>,
  rules: SocketRules,
): WebSockets[] {
  if (hub === null || browserSources === null) return []
  const groups = new PlainGroups(hub, (topic, message) => app.publish(topic, message.bytes, message.binary))
  const sockets = new WebSockets({ hub, browserSources, groups, ...rules })
  app.ws('/ws', sockets.behavior())
  app.ws('/ws/*', sockets.behavior())
  return [sockets]
}

interface ServerParts {
  readonly app: uws.TemplatedApp
  readonly port: number
  readonly listening: uws.us_listen_socket
  readonly sockets: readonly (WebSockets | AppSockets)[]
  readonly bridge: FetchBridge
  readonly options: ServerOptions
}

function listen(app: uws.TemplatedApp, host: string, port: number): Promise<uws.us_listen_socket> {
  return new Promise((resolve, reject) => {
    app.listen(host, port, (listening) => {
      if (!listening) return reject(taken(host, port, 'it could not be opened'))
      addon().limitReceiveBuffers(port, receiveBufferBytes)
      resolve(listening)
    })
  })
}

/**
 * The port, or a free one for 0: it must be known, to be taken again after a pause. uWebSockets.js shares a port with others that
 * do so, or else cannot take it again soon after a stop; so we look first.
 */
function findFree(host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', (error) => reject(taken(host, port, error.message)))
    probe.listen({ host, port, exclusive: true }, () => {
      const { port: found } = probe.address() as AddressInfo
      probe.close(() => resolve(found))
    })
  })
}

function taken(host: string, port: number, reason: string): EngineError {
  const detail = `Expected a free port on an address of this machine, received ${host}:${port} (${reason}). Choose another with --port, --host or listen.tls.port`
  return new EngineError('conflict', detail)
}
