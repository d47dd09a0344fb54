import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { ImagePool } from '../core/image-pool.ts'
import { restartDelayMs, stableMs } from '../core/lifecycle.ts'
import { EngineError, messageOf } from '../errors.ts'
import type { NativePool } from '../native/addon.ts'
import type { Begun, CallName, CallOptions, ParamsOf, ResultOf, StreamName } from './channel.ts'
import type { BegunStream } from './exchange.ts'
import { HostProcess, type HostTiming, hostTiming } from './host-process.ts'
import type { Protocol } from './protocol.ts'

/** The image pool as the engine has it: who owns which slot, and the memory. Made by the composition root. */
export interface SharedPool {
  readonly ledger: ImagePool
  readonly memory: NativePool
}

/** A host as `/api/health` shows it. */
export interface HostStatus {
  readonly name: string
  readonly pid: number | null
  readonly state: HostState
  readonly restarts: number
}
/** `down` also before the first start. */
export type HostState = 'starting' | 'up' | 'restarting' | 'down'

/** Hears of the starts of hosts; `failure` is undefined when the host is up. */
export type OnHostStart = (host: string, failure: EngineError | undefined) => void

/** What a host is made with. */
export interface HostOptions {
  readonly name: string
  /** Name of a file in `dist/engine/hosts/`, or the absolute path of a script. */
  readonly entry: string
  readonly pool: SharedPool
  readonly log: Logger
  /** Whether a host that died is started again: at once, then 0.5, 1, 2 s after its last start. */
  readonly restart: boolean
  /** Told of each start: undefined when the host is up, or why it is not. */
  readonly onStart?: OnHostStart | undefined
  readonly env?: Readonly<Record<string, string>>
  readonly timing?: Partial<HostTiming>
}

/** Hosts started by this engine: no two incarnations have one name in the ledger. */
let incarnations = 0

/**
 * A supervised child process. A passed deadline kills it; its loans end when it was reaped. Events may be listened to before it
 * starts, and go on over its restarts. Whoever made it disposes it, which ends the process.
 */
export class Host<P extends Protocol> implements AsyncDisposable {
  readonly name: string
  readonly #options: HostOptions
  readonly #log: Logger
  readonly #events = new Set<(process: HostProcess<P>) => void>()
  readonly #exits = new Set<(borrower: string) => void>()
  #state: HostState = 'down'
  #process: HostProcess<P> | undefined
  #starting: Promise<void> | undefined
  #borrower = ''
  #starts = 0
  #failures = 0
  #startedAt = 0
  #upSince = 0
  readonly #ended = new AbortController()

  constructor(options: HostOptions) {
    this.#options = options
    this.#log = options.log.child({ host: options.name })
    this.name = options.name
  }

  get state(): HostState {
    // Its pipe closes a little before the process is reaped.
    if (this.#process?.channel.closed) return this.#options.restart ? 'restarting' : 'down'
    return this.#state
  }
  get pid(): number | undefined {
    return this.#process?.pid
  }
  get restarts(): number {
    return Math.max(0, this.#starts - 1)
  }
  /** Name of this incarnation in the pool's ledger, `vision#3`; never given twice. */
  get borrower(): string {
    return this.#borrower
  }
  get status(): HostStatus {
    return { name: this.name, pid: this.pid ?? null, state: this.state, restarts: this.restarts }
  }

  /**
   * Resolves when the host is up: starts it, or waits for a start or restart that is under way. Rejects with `unavailable` when this
   * start failed; a host with `restart` goes on trying.
   */
  start(): Promise<void> {
    if (this.#ended.signal.aborted) return Promise.reject(this.#closedError())
    const ending = this.#process
    if (ending?.channel.closed) return ending.exited.then(() => this.start())
    this.#starting ??= this.#launch()
    return this.#starting
  }

  /** Asks for one answer. See `begin`. */
  call<M extends CallName<P>>(method: M, params: ParamsOf<P, M>, options: CallOptions): Promise<ResultOf<P, M>> {
    return this.begin(method, params, options).answer
  }

  /** Asks for one answer, and tells when the loans named in the params are over. A host that is not up answers `unavailable`. */
  begin<M extends CallName<P>>(method: M, params: ParamsOf<P, M>, options: CallOptions): Begun<ResultOf<P, M>> {
    if (this.#process) return this.#process.channel.begin(method, params, options)
    return { answer: Promise.reject(this.#goneError()), settled: Promise.resolve() }
  }

  /** Asks for a stream of answers; leaving the loop cancels it. */
  async *stream<M extends StreamName<P>>(
    method: M,
    params: P['streams'][M]['params'],
    options: CallOptions,
  ): AsyncGenerator<P['streams'][M]['item'], void, undefined> {
    if (!this.#process) throw this.#goneError()
    yield* this.#process.channel.stream(method, params, options)
  }

  /** As `stream`, asked at once, and tells when the host works for it no more. Throws `unavailable` for a host that is not up. */
  beginStream<M extends StreamName<P>>(
    method: M,
    params: P['streams'][M]['params'],
    options: CallOptions,
  ): BegunStream<P['streams'][M]['item']> {
    if (!this.#process) throw this.#goneError()
    return this.#process.channel.beginStream(method, params, options)
  }

  /** Tells the host something; lost when it is not up. */
  tell<N extends keyof P['toHost'] & string>(name: N, value: P['toHost'][N]): void {
    this.#process?.channel.tell(name, value)
  }

  /** Hears what any incarnation tells; the function given back ends it. */
  on<N extends keyof P['toEngine'] & string>(name: N, listener: (value: P['toEngine'][N]) => void): () => void {
    let listening = true
    const attach = (process: HostProcess<P>) => process.channel.on(name, (value) => listening && listener(value))
    this.#events.add(attach)
    if (this.#process) attach(this.#process)
    return () => {
      listening = false
      this.#events.delete(attach)
    }
  }

  /** SIGKILL, for a host that its owner finds at fault; it is started again like one that died. */
  kill(why: string): void {
    this.#process?.kill(why)
  }

  /** Told after an incarnation was reaped and its loans are over. */
  onExit(listener: (borrower: string) => void): () => void {
    this.#exits.add(listener)
    return () => this.#exits.delete(listener)
  }

  /** Ends the process: asks, waits, kills; resolves when it was reaped. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort()
    await this.#process?.end()
    this.#state = 'down'
  }

  async #launch(): Promise<void> {
    this.#state = this.#starts === 0 ? 'starting' : 'restarting'
    this.#starts++
    this.#startedAt = performance.now()
    const borrower = `${this.name}#${++incarnations}`
    this.#borrower = borrower
    const process = new HostProcess<P>({
      entry: this.#options.entry,
      memory: this.#options.pool.memory,
      log: this.#log,
      env: this.#options.env ?? {},
      timing: { ...hostTiming, ...this.#options.timing },
    })
    this.#process = process
    for (const attach of this.#events) attach(process)
    void process.exited.then((how) => this.#afterExit(process, borrower, how))
    try {
      await process.ready()
    } catch (error) {
      const message = `Expected host ${this.name} to start: ${messageOf(error)}`
      const failure = new EngineError('unavailable', message, { cause: error })
      if (!this.#ended.signal.aborted) this.#options.onStart?.(this.name, failure)
      throw failure
    }
    this.#options.onStart?.(this.name, undefined)
    this.#state = 'up'
    this.#upSince = performance.now()
    this.#log.debug({ pid: process.pid }, 'host up')
  }

  #afterExit(process: HostProcess<P>, borrower: string, how: string): void {
    const stable = this.#state === 'up' && performance.now() - this.#upSince >= stableMs
    this.#process = undefined
    this.#starting = undefined
    this.#state = 'down'
    this.#options.pool.ledger.reap(borrower)
    process.channel.reap()
    if (stable) this.#failures = 0
    if (!this.#ended.signal.aborted) this.#log.warn({ pid: process.pid, how }, 'host ended')
    if (this.#options.restart && !this.#ended.signal.aborted) this.#restart()
    for (const listener of [...this.#exits]) listener(borrower)
  }

  #restart(): void {
    const delayMs = restartDelayMs(this.#failures++, performance.now() - this.#startedAt)
    this.#state = 'restarting'
    this.#starting = sleep(delayMs, undefined, { signal: this.#ended.signal }).then(
      () => this.#launch(),
      () => Promise.reject(this.#closedError()),
    )
    // Whoever waits for it hears of a failure; the next restart is on its way in any case.
    this.#starting.catch(() => undefined)
  }

  #closedError(): EngineError {
    return new EngineError('closed', `Expected host ${this.name} to be open, but it was ended`)
  }

  #goneError(): EngineError {
    if (this.#ended.signal.aborted) return this.#closedError()
    return new EngineError(
      'unavailable',
      `Expected host ${this.name} to be up, but it is ${this.state}; try again later`,
    )
  }
}
