import { EngineError, type ErrorCode, errorTable, messageOf } from '../errors.ts'
import { type BegunStream, Deadline, ItemQueue, type Receiver, readItems } from './exchange.ts'
import type { Message, Protocol } from './protocol.ts'

/** Exchanges that may be open on one channel; the next one is `busy`. */
const maxOpen = 256

/** One end of a pipe for messages. `send` never throws: a message that a closing pipe loses is followed by `onClose`. */
export interface Port {
  send(message: Message): void
  onMessage(listener: (message: Message) => void): void
  onClose(listener: () => void): void
}

/** The names of a protocol’s calls. */
export type CallName<P extends Protocol> = keyof P['calls'] & string
/** The names of a protocol’s streams. */
export type StreamName<P extends Protocol> = keyof P['streams'] & string
/** What a call is asked with. */
export type ParamsOf<P extends Protocol, M extends CallName<P>> = P['calls'][M]['params']
/** What a call answers. */
export type ResultOf<P extends Protocol, M extends CallName<P>> = P['calls'][M]['result']

/** How long an answer is waited for, and who may end that. */
export interface CallOptions {
  readonly signal: AbortSignal
  /** The longest wait for the answer, or for each item of a stream. When it passes the host is killed. */
  readonly deadlineMs: number
}

/** A call under way. */
export interface Begun<T> {
  /** Rejects at once with `cancelled` on abort, `timeout`, `unavailable` when the host is gone, or the host's own error. */
  readonly answer: Promise<T>
  /** Resolves when the host has answered or was reaped: loans named in the call are over then, and not before. */
  readonly settled: Promise<void>
}

interface Exchange {
  /** An item of a stream. */
  item(value: unknown): void
  /** Tells the asker the outcome; further outcomes are ignored. */
  finish(error: EngineError | undefined, value?: unknown): void
  /** Over for good: answered, or the host was reaped. */
  settle(): void
}

/** The engine's end of a channel to one incarnation of a host. */
export class Channel<P extends Protocol> {
  readonly #port: Port
  readonly #onDeadline: (method: string) => void
  readonly #open = new Map<number, Exchange>()
  readonly #listeners = new Map<string, Set<(value: unknown) => void>>()
  #nextId = 1
  #closed: EngineError | undefined

  /** `onDeadline` is told the method whose answer did not come in time: its owner kills the host. */
  constructor(port: Port, onDeadline: (method: string) => void) {
    this.#port = port
    this.#onDeadline = onDeadline
    port.onMessage((message) => this.#take(message))
    port.onClose(() => this.close())
  }

  /** Whether the pipe has closed, and nothing can be asked any more. */
  get closed(): boolean {
    return this.#closed !== undefined
  }

  /** Asks for one answer. */
  begin<M extends CallName<P>>(method: M, params: ParamsOf<P, M>, options: CallOptions): Begun<ResultOf<P, M>> {
    let settled = Promise.resolve()
    const answer = new Promise<ResultOf<P, M>>((resolve, reject) => {
      settled = this.#exchange('call', method, params, options, {
        item: () => undefined,
        end: (error, value) => (error ? reject(error) : resolve(value as ResultOf<P, M>)),
      })
    })
    return { answer, settled }
  }

  /** Asks for a stream of answers. Asked when the reading starts; leaving the loop cancels it. */
  async *stream<M extends StreamName<P>>(
    method: M,
    params: P['streams'][M]['params'],
    options: CallOptions,
  ): AsyncGenerator<P['streams'][M]['item'], void, undefined> {
    yield* this.beginStream(method, params, options).items
  }

  /** As `stream`, asked at once, and tells when the host works for it no more. */
  beginStream<M extends StreamName<P>>(
    method: M,
    params: P['streams'][M]['params'],
    options: CallOptions,
  ): BegunStream<P['streams'][M]['item']> {
    const left = new AbortController()
    const items = new ItemQueue(() => left.abort())
    const signal = AbortSignal.any([options.signal, left.signal])
    const settled = this.#exchange('stream', method, params, { ...options, signal }, items)
    return { items: readItems(items, left), settled }
  }

  /** Tells the host something; lost when it is gone. */
  tell<N extends keyof P['toHost'] & string>(name: N, value: P['toHost'][N]): void {
    if (!this.#closed) this.#port.send({ t: 'event', name, value })
  }

  /** Hears what the host tells; the function given back ends it. */
  on<N extends keyof P['toEngine'] & string>(name: N, listener: (value: P['toEngine'][N]) => void): () => void {
    const listeners = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, listeners)
    listeners.add(listener as (value: unknown) => void)
    return () => listeners.delete(listener as (value: unknown) => void)
  }

  /** Rejects all that is open with `unavailable`. Nothing is settled by that: the host may still write. */
  close(): void {
    if (this.#closed) return
    this.#closed = new EngineError('unavailable', 'Expected an answer from the host, but it is gone; try again')
    for (const exchange of this.#open.values()) exchange.finish(this.#closed)
  }

  /** The host was reaped: everything is over. */
  reap(): void {
    this.close()
    for (const exchange of [...this.#open.values()]) exchange.settle()
  }

  #exchange(
    t: 'call' | 'stream',
    method: string,
    params: unknown,
    options: CallOptions,
    receiver: Receiver,
  ): Promise<void> {
    const refusal = this.#refusal(options.signal)
    if (refusal) {
      receiver.end(refusal)
      return Promise.resolve()
    }
    const id = this.#nextId++
    return new Promise((resolve) => {
      const abort = () => {
        receiver.end(cancelled())
        this.#port.send({ t: 'cancel', id })
      }
      const deadline = new Deadline(options.deadlineMs, () => {
        receiver.end(
          new EngineError('timeout', `Expected the host to answer ${method} within ${options.deadlineMs} ms`),
        )
        this.#onDeadline(method)
      })
      this.#open.set(id, {
        item: (value) => {
          deadline.renew()
          receiver.item(value)
        },
        finish: (error, value) => {
          deadline.clear()
          options.signal.removeEventListener('abort', abort)
          receiver.end(error, value)
        },
        settle: () => {
          this.#open.delete(id)
          resolve()
        },
      })
      options.signal.addEventListener('abort', abort, { once: true })
      this.#port.send({ t, id, method, params })
    })
  }

  #refusal(signal: AbortSignal): EngineError | undefined {
    if (this.#closed) return this.#closed
    if (signal.aborted) return cancelled()
    if (this.#open.size >= maxOpen)
      return new EngineError('busy', `Expected fewer than ${maxOpen} open calls to the host; try again later`)
    return undefined
  }

  #take(message: Message): void {
    if (message.t === 'event') {
      for (const listener of this.#listeners.get(message.name) ?? []) listener(message.value)
      return
    }
    const exchange = this.#open.get(message.id)
    if (!exchange) return
    if (message.t === 'item') {
      exchange.item(message.value)
      return
    }
    if (message.t === 'result') exchange.finish(undefined, message.value)
    else if (message.t === 'end') exchange.finish(undefined)
    else if (message.t === 'error') exchange.finish(new EngineError(message.code, message.message))
    exchange.settle()
  }
}

function cancelled(): EngineError {
  return new EngineError('cancelled', 'The caller gave up')
}

/** What a host answers. `ping` is answered by `serve` itself. */
export interface Handlers<P extends Protocol> {
  readonly calls: {
    readonly [M in Exclude<CallName<P>, 'ping'>]: (
      params: ParamsOf<P, M>,
      signal: AbortSignal,
    ) => Promise<ResultOf<P, M>> | ResultOf<P, M>
  }
  readonly streams?: {
    readonly [M in StreamName<P>]: (
      params: P['streams'][M]['params'],
      signal: AbortSignal,
    ) => AsyncIterable<P['streams'][M]['item']>
  }
  readonly events?: { readonly [N in keyof P['toHost'] & string]: (value: P['toHost'][N]) => void }
}

/** The host’s way to tell the engine something unasked. */
export interface Serving<P extends Protocol> {
  /** Tells the engine something. */
  tell<N extends keyof P['toEngine'] & string>(name: N, value: P['toEngine'][N]): void
}

type AnyCall = (params: unknown, signal: AbortSignal) => unknown
type AnyStream = (params: unknown, signal: AbortSignal) => AsyncIterable<unknown>

/** The host's end: answers what the engine asks, until the pipe closes; then all signals abort. A host calls `enterHost` first. */
export function serve<P extends Protocol>(handlers: Handlers<P>, port: Port = enginePort()): Serving<P> {
  const running = new Map<number, AbortController>()
  const calls: Record<string, AnyCall> = {
    ...(handlers.calls as Record<string, AnyCall>),
    ping: () => ({ now: process.hrtime.bigint() }),
  }
  const streams = (handlers.streams ?? {}) as Record<string, AnyStream>
  const events = (handlers.events ?? {}) as Record<string, (value: unknown) => void>
  port.onMessage((message) => {
    if (message.t === 'event') events[message.name]?.(message.value)
    else if (message.t === 'cancel') running.get(message.id)?.abort()
    else if (message.t === 'call' || message.t === 'stream') void run(message)
  })
  port.onClose(() => {
    for (const controller of running.values()) controller.abort()
  })

  async function run({ t, id, method, params }: Extract<Message, { t: 'call' | 'stream' }>): Promise<void> {
    const controller = new AbortController()
    running.set(id, controller)
    try {
      if (t === 'call') port.send({ t: 'result', id, value: await find(calls, method)(params, controller.signal) })
      else await sendItems(id, find(streams, method)(params, controller.signal), controller.signal)
    } catch (error) {
      port.send({ t: 'error', id, code: codeOf(error), message: messageOf(error) })
    } finally {
      running.delete(id)
    }
  }
  async function sendItems(id: number, items: AsyncIterable<unknown>, signal: AbortSignal): Promise<void> {
    for await (const value of items) {
      if (signal.aborted) break
      port.send({ t: 'item', id, value })
    }
    port.send({ t: 'end', id })
  }
  return { tell: (name, value) => port.send({ t: 'event', name, value }) }
}

function find<T>(handlers: Record<string, T>, method: string): T {
  const handler = handlers[method]
  if (!handler) throw new EngineError('not-found', `Expected a method of this host, received ${method}`)
  return handler
}

function codeOf(error: unknown): ErrorCode {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' && Object.hasOwn(errorTable, code) ? (code as ErrorCode) : 'internal'
}

/** The pipe to the engine, in a host's main thread. */
function enginePort(): Port {
  return {
    // A failed send means that the engine is gone: `disconnect` tells it.
    send: (message) => void process.send?.(message, undefined, undefined, () => undefined),
    onMessage: (listener) => void process.on('message', listener as (message: unknown) => void),
    onClose: (listener) => void process.on('disconnect', listener),
  }
}
