import { WebSocket } from 'ws'
import { until } from './wait.ts'

/** An event as it was received. */
export type Received = Record<string, unknown> & { readonly type: string; readonly event_id: string }

/** A client of the Realtime protocol by plain frames, as its reference writes them; it keeps what it hears, and when. */
export class RealtimeTestClient {
  readonly socket: WebSocket
  readonly heard: Received[] = []
  /** Binary messages. */
  readonly packets: Uint8Array[] = []
  readonly times: number[] = []
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>

  constructor(
    url: string,
    protocols: readonly string[] = ['realtime'],
    headers: Readonly<Record<string, string>> = {},
  ) {
    this.socket = new WebSocket(url, [...protocols], { headers })
    this.socket.on('message', (data, isBinary) => {
      if (isBinary) return void this.packets.push(new Uint8Array(data as Buffer))
      this.heard.push(JSON.parse(data.toString()))
      this.times.push(performance.now())
    })
    this.closed = new Promise((resolve) =>
      this.socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })),
    )
    this.socket.on('error', () => undefined) // the close that follows is what tests look at
  }

  /** Resolves with the session's first event. */
  static async open(...args: ConstructorParameters<typeof RealtimeTestClient>): Promise<RealtimeTestClient> {
    const client = new RealtimeTestClient(...args)
    await until('the first event', () => client.heard.length > 0, 120_000)
    return client
  }

  send(event: object): void {
    this.socket.send(JSON.stringify(event))
  }

  /** All of this type so far. */
  all(type: string): Received[] {
    return this.heard.filter((event) => event.type === type)
  }

  /** The `count`th of this type, once it is there. */
  async next(type: string, count = 1, deadlineMs = 30_000): Promise<Received> {
    const what = () => `${count} ${type}, heard ${this.types.join(' ')} ${JSON.stringify(this.all('error'))}`
    try {
      return await until(type, () => this.all(type)[count - 1], deadlineMs)
    } catch (error) {
      throw new Error(`Waited in vain for ${what()}`, { cause: error })
    }
  }

  get types(): string[] {
    return this.heard.map(({ type }) => type)
  }

  /** Sound in pieces of 100 ms, as fast as it goes. */
  append(samples: Int16Array, rate = 24_000): void {
    const step = rate / 10
    for (let at = 0; at < samples.length; at += step) {
      const piece = samples.slice(at, at + step)
      this.send({ type: 'input_audio_buffer.append', audio: Buffer.from(piece.buffer).toString('base64') })
    }
  }

  /** All sound of a type of event, joined. */
  soundOf(type = 'response.output_audio.delta'): Int16Array {
    const bytes = Buffer.concat(this.all(type).map(({ delta }) => Buffer.from(String(delta), 'base64')))
    return new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length - (bytes.length % 2)))
  }

  textOf(type: string): string {
    return this.all(type)
      .map(({ delta }) => delta)
      .join('')
  }

  async close(): Promise<void> {
    this.socket.close()
    await this.closed
  }
}
