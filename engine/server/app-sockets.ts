import type { HttpRequest, HttpResponse, us_socket_context_t, WebSocket, WebSocketBehavior } from 'uWebSockets.js'
import { type Access, type Refusal, withoutToken } from './access.ts'
import { type ErrorBody, houseBody } from './fetch-bridge.ts'
import type { AppSocket, SocketApp, SocketVisit, SocketVisitor } from './socket-app.ts'
import { closeCodes, shortenReason } from './web-sockets.ts'

/** A client that says nothing for so long, not even a pong, is gone. */
const idleTimeoutS = 32
/** Senders look at `bufferedBytes`; one that did not would be noticed here. */
const maxBackpressureBytes = 67_108_864

interface Connection {
  readonly visit: SocketVisit
  socket: OpenSocket | undefined
  visitor: SocketVisitor | undefined
}

/** What the sockets of an app share with the server's others. */
export interface AppSocketsOptions {
  readonly app: SocketApp
  readonly access: Access
  readonly maxSockets: number
  readonly errorBody?: ErrorBody
}

/** All WebSockets of one protocol: who may not come is told so before the upgrade. */
export class AppSockets {
  readonly #options: AppSocketsOptions
  readonly #open = new Set<WebSocket<Connection>>()

  constructor(options: AppSocketsOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#open.size
  }

  behavior(): WebSocketBehavior<Connection> {
    const { maxMessageBytes } = this.#options.app
    return {
      // uWebSockets.js cuts the connection above this without a close code.
      maxPayloadLength: 2 * maxMessageBytes,
      maxBackpressure: maxBackpressureBytes,
      closeOnBackpressureLimit: true,
      idleTimeout: idleTimeoutS,
      sendPingsAutomatically: true,
      upgrade: (out, incoming, context) => this.#upgrade(out, incoming, context),
      open: (socket) => this.#onOpen(socket),
      message: (socket, message, isBinary) => this.#onMessage(socket, message, isBinary),
      drain: (socket) => socket.getUserData().visitor?.drained(),
      close: (socket) => this.#onClose(socket),
    }
  }

  /** Tells every client that we restart. */
  closeAll(): void {
    for (const socket of [...this.#open]) socket.end(closeCodes.restart, 'hailstream restarts')
  }

  #upgrade(out: HttpResponse, incoming: HttpRequest, context: us_socket_context_t): void {
    const { app, access } = this.#options
    const query = incoming.getQuery() ?? ''
    const header = (name: string) => incoming.getHeader(name)
    const address = Buffer.from(out.getRemoteAddressAsText()).toString()
    const visit = { address, method: 'GET', webSocket: true, query, header, tokenProtocols: app.tokenProtocols }
    const refusal = access.refuse(visit)
    if (refusal !== undefined) return void this.#refuse(out, incoming.getUrl(), refusal)
    const offered = splitNames(header('sec-websocket-protocol'))
    const headers = Object.fromEntries(app.headers.map((name) => [name, header(name)]))
    const seen = { path: incoming.getUrl(), query: new URLSearchParams(withoutToken(query)), headers, offered }
    const connection: Connection = { visit: seen, socket: undefined, visitor: undefined }
    const [key, extensions] = [header('sec-websocket-key'), header('sec-websocket-extensions')]
    out.upgrade(connection, key, app.chooseProtocol(offered), extensions, context)
  }

  #refuse(out: HttpResponse, path: string, { status, error, detail }: Refusal): void {
    const { errorBody = houseBody } = this.#options
    out.cork(() => {
      out.writeStatus(status === 401 ? '401 Unauthorized' : '403 Forbidden')
      out.writeHeader('content-type', 'application/json')
      out.end(JSON.stringify(errorBody(path, { status, error, detail })))
    })
  }

  #onOpen(socket: WebSocket<Connection>): void {
    const { app, maxSockets } = this.#options
    if (this.#open.size >= maxSockets)
      return void socket.end(closeCodes.tryAgainLater, `Expected at most ${maxSockets} clients`)
    this.#open.add(socket)
    const connection = socket.getUserData()
    connection.socket = new OpenSocket(socket)
    connection.visitor = app.open(connection.socket, connection.visit)
  }

  #onMessage(socket: WebSocket<Connection>, message: ArrayBuffer, isBinary: boolean): void {
    const { visitor } = socket.getUserData()
    const { maxMessageBytes } = this.#options.app
    if (message.byteLength > maxMessageBytes)
      return void socket.end(closeCodes.tooBig, `Expected at most ${maxMessageBytes} bytes`)
    // uWebSockets.js takes the message back when this handler returns: what is kept is copied.
    if (isBinary) visitor?.binary(new Uint8Array(message.slice(0)))
    else visitor?.text(Buffer.from(message).toString())
  }

  #onClose(socket: WebSocket<Connection>): void {
    this.#open.delete(socket)
    const connection = socket.getUserData()
    connection.socket?.detach()
    connection.visitor?.closed()
  }
}

/** After `detach` nothing touches the socket. */
class OpenSocket implements AppSocket {
  #socket: WebSocket<Connection> | undefined

  constructor(socket: WebSocket<Connection>) {
    this.#socket = socket
  }

  get bufferedBytes(): number {
    return this.#socket?.getBufferedAmount() ?? 0
  }

  sendText(text: string): void {
    this.#socket?.send(text, false)
  }

  sendBinary(bytes: Uint8Array): void {
    this.#socket?.send(bytes, true)
  }

  end(code: number, reason: string): void {
    this.#socket?.end(code, shortenReason(reason))
  }

  detach(): void {
    this.#socket = undefined
  }
}

function splitNames(list: string): string[] {
  return list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
}
