/** A WebSocket's upgrade request, as whoever serves it needs it. */
export interface SocketVisit {
  readonly path: string
  /** Without the token. */
  readonly query: URLSearchParams
  /** By lower-case name; empty when absent. */
  readonly headers: Readonly<Record<string, string>>
  /** Subprotocols that the client offers, tokens among them. */
  readonly offered: readonly string[]
}

/** An open WebSocket. After the client has left nothing that is asked of it does anything. */
export interface AppSocket {
  /** Bytes that were sent and that the kernel has not taken yet. */
  readonly bufferedBytes: number
  sendText(text: string): void
  sendBinary(bytes: Uint8Array): void
  /** Sends what was sent before, then the close frame. */
  end(code: number, reason: string): void
}

/** What is told of an open WebSocket; the last is `closed`. */
export interface SocketVisitor {
  text(message: string): void
  /** The bytes are the visitor's. */
  binary(message: Uint8Array): void
  /** Everything that was sent has left. */
  drained(): void
  closed(): void
}

/** A protocol by WebSocket on paths of its own. */
export interface SocketApp {
  readonly paths: readonly string[]
  /** Headers that it wants to know, in lower case. */
  readonly headers: readonly string[]
  /** Beginnings of subprotocols that carry a token, beside the house's. */
  readonly tokenProtocols: readonly string[]
  /** The subprotocol to answer with; empty for none. */
  chooseProtocol(offered: readonly string[]): string
  /** A larger message ends the connection with 1009. */
  readonly maxMessageBytes: number
  open(socket: AppSocket, visit: SocketVisit): SocketVisitor
}
