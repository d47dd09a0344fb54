import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import type { Logger } from 'pino'
import { EngineError, messageOf } from '../errors.ts'
import { type ClientParts, ClientService } from './client-service.ts'
import { type ConnectionTimes, WyomingConnection } from './connection.ts'

/** Clients at once. Home Assistant connects anew for each request. */
const mostClients = 128

/** What a Wyoming server is opened with. */
export interface WyomingServerOptions extends ClientParts {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  readonly log: Logger
  readonly times?: ConnectionTimes
  /** Left out: 128. */
  readonly mostClients?: number
}

interface Client {
  readonly connection: WyomingConnection
  readonly ended: Promise<void>
}

/** The Wyoming protocol over TCP: speech to text and back, voice activity, answers. It knows no token: who reaches the port may use it. */
export class WyomingServer implements AsyncDisposable {
  readonly #options: WyomingServerOptions
  readonly #server: Server
  readonly #clients = new Set<Client>()
  #port = 0
  #isPaused = false

  private constructor(options: WyomingServerOptions) {
    this.#options = options
    this.#server = createServer({ allowHalfOpen: false }, (socket) => this.#welcome(socket))
  }

  /** Rejects with `conflict` when the address cannot be listened on. */
  static async listen(options: WyomingServerOptions): Promise<WyomingServer> {
    const opened = new WyomingServer(options)
    await opened.#listen()
    // What is here takes a while to find out the first time, and Home Assistant waits a second for it.
    options.info.read().catch((error: unknown) => {
      options.log.warn({ reason: messageOf(error) }, 'what is here could not be found out')
    })
    return opened
  }

  get port(): number {
    return this.#port
  }

  /** Clients now. */
  get size(): number {
    return this.#clients.size
  }

  /** Lets no new client in while there are no descriptors for it. */
  readonly onDescriptors = (are: 'short' | 'enough'): void => {
    this.#isPaused = are === 'short'
  }

  /** Ends all clients and their work, and listens no more. May be called twice. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const { connection } of this.#clients) connection.end()
    await Promise.all([...this.#clients].map(({ ended }) => ended))
    await closed
  }

  #listen(): Promise<void> {
    const { host, port } = this.#options
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error) => {
        const detail = `Expected a free port on an address of this machine, received ${host}:${port} (${error.message})`
        reject(new EngineError('conflict', detail, { cause: error }))
      })
      this.#server.listen({ host, port, exclusive: true }, () => {
        this.#port = (this.#server.address() as AddressInfo).port
        // A client that could not be let in, for want of a descriptor.
        this.#server.on('error', (error) => this.#options.log.warn({ reason: error.message }, 'client not let in'))
        resolve()
      })
    })
  }

  #welcome(socket: Socket): void {
    const connection = new WyomingConnection(socket, this.#options.times)
    const service = this.#isFull() ? refuse(connection) : new ClientService(connection, this.#options).run()
    const client = { connection, ended: service.finally(() => this.#clients.delete(client)) }
    this.#clients.add(client)
  }

  #isFull(): boolean {
    return this.#isPaused || this.#clients.size >= (this.#options.mostClients ?? mostClients)
  }
}

async function refuse(connection: WyomingConnection): Promise<void> {
  const text = 'Expected fewer clients at once; try again later'
  await connection.send('error', { text, code: 'busy' }).catch(() => undefined) // it has gone already
  await connection.close()
}
