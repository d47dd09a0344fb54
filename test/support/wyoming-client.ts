import { connect, type Socket } from 'node:net'

/** An event as a client of the protocol sees it. */
export interface SeenEvent {
  readonly type: string
  readonly data: Readonly<Record<string, unknown>>
  readonly payload: Buffer
}

/** How a client lays out what it sends: data behind the line as the Python package does, or within it as older ones do. */
export type Layout = 'apart' | 'within'

/** A Wyoming client written from the protocol's description, with nothing of the engine's own code. */
export class WyomingClient implements Disposable {
  readonly socket: Socket
  readonly seen: SeenEvent[] = []
  isClosed = false
  #bytes = Buffer.alloc(0)
  #wake: () => void = () => undefined

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (bytes) => this.#take(bytes))
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.isClosed = true
      this.#wake()
    })
  }

  static async connect(port: number): Promise<WyomingClient> {
    const socket = connect(port, '127.0.0.1')
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
    return new WyomingClient(socket)
  }

  send(type: string, data: object = {}, payload?: Uint8Array, layout: Layout = 'apart'): void {
    this.socket.write(frameOf(type, data, payload, layout))
  }

  /** Events up to the first of this type, that one last. Fails when the server closes first, or nothing comes for the time. */
  async until(type: string, deadlineMs = 30_000): Promise<SeenEvent[]> {
    const end = performance.now() + deadlineMs
    for (;;) {
      const at = this.seen.findIndex((event) => event.type === type)
      if (at >= 0) return this.seen.splice(0, at + 1)
      const types = this.seen.map((event) => event.type).join(', ')
      if (this.isClosed) throw new Error(`Closed before ${type}, after: ${types}`)
      const left = end - performance.now()
      if (left <= 0) throw new Error(`No ${type} within ${deadlineMs} ms, after: ${types}`)
      await this.#news(left)
    }
  }

  async one(type: string, deadlineMs?: number): Promise<SeenEvent> {
    return (await this.until(type, deadlineMs)).at(-1) as SeenEvent
  }

  async closed(deadlineMs = 10_000): Promise<void> {
    const end = performance.now() + deadlineMs
    while (!this.isClosed) {
      if (performance.now() > end) throw new Error(`Not closed within ${deadlineMs} ms`)
      await this.#news(end - performance.now())
    }
  }

  [Symbol.dispose](): void {
    this.socket.destroy()
  }

  #news(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  #take(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes])
    for (;;) {
      const end = this.#bytes.indexOf('\n')
      if (end < 0) return
      const head = JSON.parse(this.#bytes.subarray(0, end).toString())
      const dataEnd = end + 1 + (head.data_length ?? 0)
      const payloadEnd = dataEnd + (head.payload_length ?? 0)
      if (this.#bytes.length < payloadEnd) return
      const apart = head.data_length ? JSON.parse(this.#bytes.subarray(end + 1, dataEnd).toString()) : {}
      const payload = this.#bytes.subarray(dataEnd, payloadEnd)
      this.seen.push({ type: head.type, data: { ...head.data, ...apart }, payload })
      this.#bytes = this.#bytes.subarray(payloadEnd)
      this.#wake()
    }
  }
}

/** The bytes of an event. */
export function frameOf(type: string, data: object = {}, payload?: Uint8Array, layout: Layout = 'apart'): Buffer {
  const body = layout === 'apart' && Object.keys(data).length > 0 ? Buffer.from(JSON.stringify(data)) : Buffer.alloc(0)
  const head = {
    type,
    version: '1.7.2',
    ...(layout === 'within' ? { data } : {}),
    ...(body.length > 0 ? { data_length: body.length } : {}),
    ...(payload ? { payload_length: payload.length } : {}),
  }
  return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), body, payload ?? Buffer.alloc(0)])
}

/** Sound as Home Assistant sends it: 16 kHz mono 16 bit in pieces of 1024 samples. */
export function sendSound(
  client: WyomingClient,
  samples: Int16Array,
  format = { rate: 16_000, width: 2, channels: 1 },
): void {
  client.send('audio-start', { ...format, timestamp: 0 })
  const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength)
  const step = 1024 * format.width * format.channels
  for (let at = 0; at < bytes.length; at += step)
    client.send('audio-chunk', { ...format, timestamp: null }, bytes.subarray(at, at + step))
  client.send('audio-stop', { timestamp: null })
}
