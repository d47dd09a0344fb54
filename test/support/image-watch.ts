import { WebSocket } from 'ws'
import { until } from './wait.ts'

/** What a message of an image topic says, and when it came. */
export interface Seen {
  readonly n: number
  readonly seq: number
  /** Unix ms by the engine's clock. */
  readonly capturedAt: number
  readonly publishedAt: number
  /** ms of `performance.now()`. */
  readonly at: number
}

/** A client of an image topic that keeps the heads of all that it gets. */
export class ImageWatch implements Disposable {
  readonly seen: Seen[] = []
  readonly #socket: WebSocket

  constructor(url: string) {
    this.#socket = new WebSocket(url)
    this.#socket.on('message', (bytes: Buffer) => {
      const head = JSON.parse(bytes.toString('utf8', 4, 4 + bytes.readUInt32LE(0)))
      this.seen.push({ ...head, at: performance.now() })
    })
    this.#socket.on('error', () => undefined) // the silence that follows is what tests look at
  }

  /** Waits for so many more pictures; gives the newest. */
  async next(count = 1, deadlineMs = 20_000): Promise<Seen> {
    const goal = this.seen.length + count
    await until(`${count} more pictures`, () => this.seen.length >= goal, deadlineMs)
    return this.seen.at(-1) as Seen
  }

  /** Waits until the pictures come steadily, and forgets those before: the first ones wait for the encoder to start. */
  async settle(): Promise<Seen> {
    await this.next(5)
    this.seen.splice(0)
    return this.next()
  }

  /** Messages of the topic that did not come, by its counter. */
  get missed(): number {
    return this.#steps('n').reduce((sum, step) => sum + step - 1, 0)
  }

  /** Whether each picture is newer than the one before. (Frames may be left out, where the encoder was busy.) */
  get rises(): boolean {
    return this.#steps('seq').every((step) => step > 0)
  }

  /** The longest wait for a picture, in ms. */
  get longestGapMs(): number {
    return Math.max(...this.#steps('at'))
  }

  /** Differences between neighbours. */
  #steps(field: 'n' | 'seq' | 'at'): number[] {
    return this.seen.slice(1).map((seen, i) => seen[field] - (this.seen[i] as Seen)[field])
  }

  [Symbol.dispose](): void {
    this.#socket.close()
  }
}
