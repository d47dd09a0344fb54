/** The client's WebSocket, as the server gives it. */
export interface ClientSocket {
  /** Bytes that were sent and have not left. */
  readonly bufferedBytes: number
  sendText(text: string): void
  sendBinary(bytes: Uint8Array): void
  end(code: number, reason: string): void
}

/** What of the upgrade request matters. */
export interface ClientVisit {
  readonly query: URLSearchParams
  /** By lower-case name; empty when absent. */
  readonly headers: Readonly<Record<string, string>>
  /** Subprotocols that the client offers. */
  readonly offered: readonly string[]
}
