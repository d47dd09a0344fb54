import type { HttpRequest, HttpResponse, us_socket_context_t, WebSocket, WebSocketBehavior } from 'uWebSockets.js'
import type { EncodedMessage } from '../streams/encode.ts'
import type { SocketAnswer } from '../streams/wire.ts'
import { type Access, chooseProtocol, type Refusal, withoutToken } from './access.ts'
import { type Client, type SessionNeeds, SocketSession } from './socket-session.ts'

/** Close codes of RFC 6455 that the server sends itself. */
export const closeCodes = { notAllowed: 1008, tooBig: 1009, restart: 1012, tryAgainLater: 1013 } as const

/** A frame of a browser source, or any other binary message. */
const maxBinaryBytes = 8_388_608 + 65_536
const maxTextBytes = 65_536
/** uWebSockets.js cuts the connection above this without a close code, so it lies well above what we answer with 1009. */
const maxPayloadBytes = 4 * maxBinaryBytes
/** Pings, pongs and answers are never dropped below this; messages of topics are, far below (`maxBufferedBytes`). */
const maxBackpressureBytes = 2 * maxBinaryBytes
/** A client that says nothing for so long, not even a pong, is gone. */
const idleTimeoutS = 32

/** What is known of a connection from its upgrade on. */
interface Connection {
  readonly refusal: Refusal | undefined
  /** Of a one-topic URL; empty on `/ws`. */
  readonly topic: string
  readonly query: string
  client: SocketClient | undefined
  session: SocketSession | undefined
}

/** What all WebSockets of a server share. */
export interface WebSocketNeeds extends SessionNeeds {
  readonly access: Access
  readonly maxSockets: number
}

/** All WebSockets of a server: from upgrade to close, each with its session. */
export class WebSockets {
  readonly #needs: WebSocketNeeds
  readonly #open = new Set<WebSocket<Connection>>()

  constructor(needs: WebSocketNeeds) {
    this.#needs = needs
  }

  get size(): number {
    return this.#open.size
  }

  /** For `/ws` and `/ws/<pipeline>/<stream>`. */
  behavior(): WebSocketBehavior<Connection> {
    return {
      maxPayloadLength: maxPayloadBytes,
      maxBackpressure: maxBackpressureBytes,
      closeOnBackpressureLimit: false,
      idleTimeout: idleTimeoutS,
      sendPingsAutomatically: true,
      upgrade: (out, incoming, context) => this.#upgrade(out, incoming, context),
      open: (socket) => this.#onOpen(socket),
      message: (socket, message, isBinary) => onMessage(socket, message, isBinary),
      drain: (socket) => socket.getUserData().session?.drained(),
      close: (socket) => this.#onClose(socket),
    }
  }

  /** Tells every client that we restart. */
  closeAll(): void {
    for (const socket of [...this.#open]) socket.end(closeCodes.restart, 'hailstream restarts')
  }

  /** Refused only once it is open: a page sees close codes, but no HTTP status. */
  #upgrade(out: HttpResponse, incoming: HttpRequest, context: us_socket_context_t): void {
    const address = Buffer.from(out.getRemoteAddressAsText()).toString()
    const query = incoming.getQuery() ?? ''
    const header = (name: string) => incoming.getHeader(name)
    const refusal = this.#needs.access.refuse({ address, method: 'GET', webSocket: true, query, header })
    const connection: Connection = {
      refusal,
      topic: decodeTopic(incoming.getUrl()),
      query: withoutToken(query),
      client: undefined,
      session: undefined,
    }
    const protocol = chooseProtocol(header('sec-websocket-protocol'))
    out.upgrade(connection, header('sec-websocket-key'), protocol, header('sec-websocket-extensions'), context)
  }

  #onOpen(socket: WebSocket<Connection>): void {
    const connection = socket.getUserData()
    const { refusal, topic, query } = connection
    if (refusal !== undefined) return void socket.end(closeCodes.notAllowed, shortenReason(refusal.detail))
    if (this.#open.size >= this.#needs.maxSockets)
      return void socket.end(closeCodes.tryAgainLater, `Expected at most ${this.#needs.maxSockets} clients`)
    this.#open.add(socket)
    connection.client = new SocketClient(socket)
    connection.session = new SocketSession(connection.client, this.#needs)
    if (topic !== '') connection.session.open(topic, new URLSearchParams(query))
  }

  #onClose(socket: WebSocket<Connection>): void {
    this.#open.delete(socket)
    const { client, session } = socket.getUserData()
    client?.detach()
    session?.close()
  }
}

function onMessage(socket: WebSocket<Connection>, message: ArrayBuffer, isBinary: boolean): void {
  const { session } = socket.getUserData()
  const limit = isBinary ? maxBinaryBytes : maxTextBytes
  if (message.byteLength > limit) return void socket.end(closeCodes.tooBig, `Expected at most ${limit} bytes`)
  // uWebSockets.js takes the message back when this handler returns: what is kept is copied.
  if (isBinary) session?.binary(new Uint8Array(message.slice(0)))
  else session?.text(new Uint8Array(message))
}

/** A uWebSockets.js socket as its session sees it. After `detach` nothing touches the socket. */
class SocketClient implements Client {
  #socket: WebSocket<Connection> | undefined

  constructor(socket: WebSocket<Connection>) {
    this.#socket = socket
  }

  get bufferedBytes(): number {
    return this.#socket?.getBufferedAmount() ?? 0
  }

  send(message: EncodedMessage): boolean {
    return this.#socket !== undefined && this.#socket.send(message.bytes, message.binary) !== droppedStatus
  }

  answer(answer: SocketAnswer): void {
    this.#socket?.send(JSON.stringify(answer))
  }

  join(topic: string): void {
    this.#socket?.subscribe(topic)
  }

  leave(topic: string): void {
    this.#socket?.unsubscribe(topic)
  }

  ended(topic: string): void {
    this.#socket?.getUserData().session?.ended(topic)
  }

  detach(): void {
    this.#socket = undefined
  }
}

/** What `send` answers for a message that it did not take. */
const droppedStatus = 2

/** `<pipeline>/<stream>` of `/ws/<pipeline>/<stream>`. */
function decodeTopic(path: string): string {
  const encoded = path.replace(/^\/ws\/?/, '')
  try {
    return decodeURIComponent(encoded)
  } catch (error) {
    if (error instanceof URIError) return encoded
    throw error
  }
}

/** A close frame holds 123 bytes of reason, in whole characters: clients take a cut one for a broken frame. */
export function shortenReason(reason: string): string {
  const decoder = new TextDecoder()
  // As a stream, the decoder leaves out a character that is cut at the end.
  return decoder.decode(Buffer.from(reason).subarray(0, maxReasonBytes), { stream: true })
}

const maxReasonBytes = 123
