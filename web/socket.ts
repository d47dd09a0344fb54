/** `waiting`: for the next attempt. */
export type SocketState = 'connecting' | 'open' | 'waiting' | 'closed'

/** What the owner of a socket is told. */
export interface SocketEvents {
  /** A new connection stands; everything must be asked for anew. */
  opened(): void
  /** A parsed JSON message. */
  text(message: unknown): void
  binary(message: ArrayBuffer): void
  state(state: SocketState): void
}

/** Waits between attempts, ms; the last one for ever. */
const backoffMs = [250, 500, 1000, 2000]
const connectDeadlineMs = 8000

/** A WebSocket that comes back by itself, for ever, until it is closed. */
export class ReconnectingSocket {
  readonly #url: () => string
  readonly #events: SocketEvents
  #socket: WebSocket | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #attempts = 0
  #heardAt = 0
  #state: SocketState = 'closed'
  readonly #hurry = () => {
    if (this.#state === 'waiting' && document.visibilityState === 'visible') this.#connect()
  }

  /** `url`: as it is for the next attempt, where it changes. */
  constructor(url: string | (() => string), events: SocketEvents) {
    this.#url = typeof url === 'string' ? () => url : url
    this.#events = events
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  /** Milliseconds since the last message, or since the connection was made. */
  get silentMs(): number {
    return performance.now() - this.#heardAt
  }

  /** Bytes that the browser has not sent yet. */
  get bufferedBytes(): number {
    return this.#socket?.bufferedAmount ?? 0
  }

  open(): void {
    if (this.#state !== 'closed') return
    window.addEventListener('online', this.#hurry)
    document.addEventListener('visibilitychange', this.#hurry)
    this.#connect()
  }

  /** Sends JSON, or bytes as they are. False, and nothing sent, while there is no connection. */
  send(message: object | Uint8Array<ArrayBuffer>): boolean {
    if (this.#socket === undefined || !this.isOpen) return false
    this.#socket.send(message instanceof Uint8Array ? message : JSON.stringify(message))
    return true
  }

  /** Gives the present connection up, which may be dead without knowing it, and makes a new one. */
  reconnect(): void {
    if (this.#state === 'closed') return
    this.#leave()
    this.#wait()
  }

  close(): void {
    window.removeEventListener('online', this.#hurry)
    document.removeEventListener('visibilitychange', this.#hurry)
    this.#leave()
    this.#become('closed')
  }

  #connect(): void {
    this.#leave()
    this.#become('connecting')
    const socket = new WebSocket(this.#url())
    socket.binaryType = 'arraybuffer'
    socket.onopen = () => this.#opened()
    socket.onmessage = (event: MessageEvent<string | ArrayBuffer>) => this.#received(event.data)
    socket.onclose = () => this.reconnect()
    this.#socket = socket
    this.#timer = setTimeout(() => this.reconnect(), connectDeadlineMs)
  }

  #opened(): void {
    clearTimeout(this.#timer)
    this.#heardAt = performance.now()
    this.#become('open')
    this.#events.opened()
  }

  #received(data: string | ArrayBuffer): void {
    this.#heardAt = performance.now()
    this.#attempts = 0
    if (typeof data === 'string') this.#events.text(JSON.parse(data))
    else this.#events.binary(data)
  }

  #wait(): void {
    const delay = backoffMs[Math.min(this.#attempts, backoffMs.length - 1)]
    this.#attempts += 1
    this.#timer = setTimeout(() => this.#connect(), delay)
    this.#become('waiting')
  }

  #leave(): void {
    clearTimeout(this.#timer)
    if (this.#socket === undefined) return
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null
    this.#socket.close()
    this.#socket = undefined
  }

  #become(state: SocketState): void {
    if (this.#state === state) return
    this.#state = state
    this.#events.state(state)
  }
}
