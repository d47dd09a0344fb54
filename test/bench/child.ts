import { type ChildProcess, fork } from 'node:child_process'

/** A process of a benchmark, of which something is measured. Disposing ends it. */
export class Child implements AsyncDisposable {
  readonly #name: string
  readonly #child: ChildProcess
  readonly #exited: Promise<void>

  /** Runs the file beside this one, without its extension. `flags`: Node's own. */
  constructor(name: string, args: readonly string[] = [], flags: readonly string[] = []) {
    this.#name = name
    this.#child = fork(fileOf(name), args, { execArgv: [...process.execArgv, ...flags], serialization: 'advanced' })
    this.#exited = new Promise((resolve) => this.#child.once('exit', () => resolve()))
  }

  get pid(): number {
    const { pid } = this.#child
    if (pid === undefined) throw new Error(`Expected ${this.#name} to have started`)
    return pid
  }

  /** Its next message. Rejects when the process ends before. */
  next<T>(): Promise<T> {
    return new Promise((resolve, reject) => {
      const onMessage = (message: unknown) => {
        this.#child.off('exit', onExit)
        resolve(message as T)
      }
      const onExit = (code: number | null) => {
        this.#child.off('message', onMessage)
        reject(new Error(`${this.#name} ended with ${code}`))
      }
      this.#child.once('message', onMessage)
      this.#child.once('exit', onExit)
    })
  }

  /** What its next message has in that field. Rejects when there is no such field. */
  async hear<T = unknown>(field: string): Promise<T> {
    const message = await this.next<Record<string, unknown>>()
    if (field in message) return message[field] as T
    throw new Error(`Expected ${field} from ${this.#name}, received ${JSON.stringify(message)}`)
  }

  /** Sends the order; the answer's field. */
  ask<T = unknown>(order: object, field: string): Promise<T> {
    const answer = this.hear<T>(field)
    this.#child.send(order)
    return answer
  }

  /** Sends the order; the whole answer. */
  askWhole<T>(order: object): Promise<T> {
    const answer = this.next<T>()
    this.#child.send(order)
    return answer
  }

  /** Every message from now on. */
  onMessage<T>(listener: (message: T) => void): void {
    this.#child.on('message', (message) => listener(message as T))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill()
    await this.#exited
  }
}

/** Address of a file beside this one: `.ts` in development, `.js` as built. */
export function fileOf(name: string): URL {
  return new URL(`./${name}.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url)
}
