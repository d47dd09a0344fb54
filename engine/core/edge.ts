import { type MonoTypeOperatorFunction, Observable, type OperatorFunction, type Subscriber, Subscription } from 'rxjs'
import type { Edge, RunOptions } from './edge-parts.ts'
import { JoinBuffer, type JoinOptions } from './join-buffer.ts'
import { createJoinedPacket } from './joined-packet.ts'
import type { Packet } from './packet.ts'
import type { AnyPacket, JoinedPacket } from './plugin.ts'
import { WaitingLine } from './waiting-line.ts'

export { Edge, type EdgeCounts, type RunOptions } from './edge-parts.ts'
export type { EdgePolicy } from './waiting-line.ts'

/** Hands a packet on and lets go of it: the subscriber owns the hold, and one that has left gets nothing. */
export function emit<T extends Disposable>(subscriber: Subscriber<T>, packet: T): void {
  if (subscriber.closed) packet[Symbol.dispose]()
  else subscriber.next(packet)
}

/**
 * Shares a stream: opens it at the first subscriber, once however many watch, and closes it `lingerMs` after the last has
 * left. One hold per branch; who comes later gets only what comes later. After an error or the end it can be opened anew.
 */
export function onDemand<T extends AnyPacket>(lingerMs: number): MonoTypeOperatorFunction<T> {
  return (source) => {
    const shared = new SharedStream(source, lingerMs)
    return new Observable((subscriber) => shared.add(subscriber))
  }
}

class SharedStream<T extends AnyPacket> {
  readonly #source: Observable<T>
  readonly #lingerMs: number
  #branches: readonly Subscriber<T>[] = []
  #connection: Subscription | undefined
  #linger: NodeJS.Timeout | undefined

  constructor(source: Observable<T>, lingerMs: number) {
    this.#source = source
    this.#lingerMs = lingerMs
  }

  add(branch: Subscriber<T>): () => void {
    clearTimeout(this.#linger)
    this.#branches = [...this.#branches, branch]
    if (this.#connection === undefined) this.#connect()
    return () => this.#remove(branch)
  }

  #remove(branch: Subscriber<T>): void {
    this.#branches = this.#branches.filter((other) => other !== branch)
    if (this.#branches.length > 0 || this.#connection === undefined) return
    if (this.#lingerMs === 0) this.#disconnect()
    else this.#linger = setTimeout(() => this.#disconnect(), this.#lingerMs)
  }

  #connect(): void {
    const connection = new Subscription()
    this.#connection = connection
    const error = (cause: unknown) => this.#end(connection, (branch) => branch.error(cause))
    const complete = () => this.#end(connection, (branch) => branch.complete())
    connection.add(this.#source.subscribe({ next: (packet) => this.#share(packet), error, complete }))
  }

  #share(packet: T): void {
    for (const branch of this.#branches) emit(branch, packet.retain())
    packet[Symbol.dispose]()
  }

  #end(connection: Subscription, tell: (branch: Subscriber<T>) => void): void {
    if (this.#connection !== connection) return
    const branches = this.#branches
    this.#branches = []
    this.#disconnect()
    for (const branch of branches) tell(branch)
  }

  #disconnect(): void {
    clearTimeout(this.#linger)
    const connection = this.#connection
    this.#connection = undefined
    connection?.unsubscribe()
  }
}

/**
 * Pairs the packets of one moment from several streams (see `JoinBuffer`), in the order of the first input, which gives a
 * joined packet its source, seq and time. What finds no partner is dropped and counted at `edge`.
 */
export function join(
  edge: Edge,
  inputs: Readonly<Record<string, { readonly packets: Observable<Packet> }>>,
  options: JoinOptions,
): Observable<JoinedPacket> {
  return new Observable((subscriber) => {
    const names = Object.keys(inputs)
    const buffer = new JoinBuffer(names, options)
    const ended = new Set<string>()
    const { counts } = edge
    const drop = (packets: readonly Packet[]) => {
      counts.waiting -= packets.length
      counts.dropped += packets.length
      for (const packet of packets) packet[Symbol.dispose]()
    }
    const next = (name: string, packet: Packet) => {
      counts.in++
      counts.waiting++
      const { joined, dropped } = subscriber.closed ? { joined: [], dropped: [packet] } : buffer.add(name, packet)
      drop(dropped)
      for (const group of joined) {
        counts.waiting -= names.length
        counts.out += names.length
        emit(subscriber, createJoinedPacket(group[names[0] as string] as Packet, group))
      }
      completeWhenDone()
    }
    const completeWhenDone = () => {
      if ([...ended].some((name) => buffer.isEmpty(name))) subscriber.complete()
    }
    subscriber.add(() => drop(buffer.clear()))
    for (const [name, { packets }] of Object.entries(inputs)) {
      const complete = () => {
        ended.add(name)
        completeWhenDone()
      }
      const error = (cause: unknown) => subscriber.error(cause)
      subscriber.add(packets.subscribe({ next: (packet) => next(name, packet), error, complete }))
    }
  })
}

type Work<I, O> = (packet: I, signal: AbortSignal) => Promise<O | undefined> | O | undefined

/**
 * Runs `work` for each packet that `edge` lets through. The work borrows its packet until it has settled; what it returns
 * goes on (also its own input), `undefined` is the end of it. One that throws is counted `failed` and the next one runs.
 * Unsubscribing aborts the signals, drops what waits, and disposes what comes late.
 */
export function runEach<I extends AnyPacket, O extends Packet>(
  edge: Edge,
  work: Work<I, O>,
  options: RunOptions = {},
): OperatorFunction<I, O> {
  return (source) =>
    new Observable((subscriber) => {
      const run = new EdgeRun({ edge, work, options, subscriber })
      subscriber.add(() => run.stop())
      const error = (cause: unknown) => subscriber.error(cause)
      subscriber.add(source.subscribe({ next: (packet) => run.add(packet), error, complete: () => run.finish() }))
    })
}

/** Ends a stream: `use` borrows each packet until it has settled. The result emits nothing; it completes or fails with the stream. */
export function consume<I extends AnyPacket>(
  edge: Edge,
  use: (packet: I, signal: AbortSignal) => Promise<void> | void,
  options: RunOptions = {},
): OperatorFunction<I, never> {
  const work = (packet: I, signal: AbortSignal) => use(packet, signal) as Promise<undefined> | undefined
  return runEach<I, never>(edge, work, options)
}

type Outcome<O> = { readonly output: O | undefined } | { readonly error: unknown }

/** Work under way on one packet; `outcome` is there once it has settled. */
interface Job<I, O> {
  readonly packet: I
  readonly controller: AbortController
  outcome?: Outcome<O>
}

/** One subscription to `runEach`. */
interface RunParts<I, O> {
  readonly edge: Edge
  readonly work: Work<I, O>
  readonly options: RunOptions
  readonly subscriber: Subscriber<O>
}

class EdgeRun<I extends AnyPacket, O extends Packet> {
  readonly #parts: RunParts<I, O>
  readonly #waiting: WaitingLine<I>
  readonly #jobs: Job<I, O>[] = []
  #preparing = false
  #stopped = false
  #sourceEnded = false

  constructor(parts: RunParts<I, O>) {
    this.#parts = parts
    this.#waiting = new WaitingLine(parts.edge.policy)
  }

  add(packet: I): void {
    this.#parts.edge.counts.in++
    this.#parts.edge.counts.waiting++
    this.#waiting.push(packet)
    this.#startNext()
    this.#drop(this.#stopped ? this.#waiting.shift() : this.#waiting.overflow())
  }

  /** No more packets come: completes when the last has settled. */
  finish(): void {
    this.#sourceEnded = true
    this.#completeWhenDone()
  }

  stop(): void {
    this.#stopped = true
    while (this.#waiting.length > 0) this.#drop(this.#waiting.shift())
    for (const job of [...this.#jobs]) job.controller.abort()
  }

  #drop(packet: I | undefined): void {
    if (packet === undefined) return
    this.#parts.edge.counts.waiting--
    this.#parts.edge.counts.dropped++
    packet[Symbol.dispose]()
  }

  #startNext(): void {
    const { concurrency = 1, prepare } = this.#parts.options
    while (!this.#stopped && !this.#preparing && this.#waiting.length > 0 && this.#jobs.length < concurrency) {
      const prepared = prepare?.()
      if (prepared === undefined) this.#start(this.#nextJob())
      else void this.#startWhen(prepared)
    }
  }

  async #startWhen(prepared: Promise<unknown>): Promise<void> {
    this.#preparing = true
    const refusal = await prepared.then(() => undefined).catch((error: unknown) => ({ error }))
    this.#preparing = false
    if (refusal !== undefined && !this.#stopped) this.#settle(this.#nextJob(), refusal)
    this.#startNext()
    this.#completeWhenDone()
  }

  /** Of the packet whose turn it is; there is one. */
  #nextJob(): Job<I, O> {
    const job = { packet: this.#waiting.shift() as I, controller: new AbortController() }
    this.#jobs.push(job)
    return job
  }

  #start(job: Job<I, O>): void {
    let result: ReturnType<Work<I, O>>
    try {
      result = this.#parts.work(job.packet, job.controller.signal)
    } catch (error) {
      this.#settle(job, { error })
      return
    }
    if (result instanceof Promise) void this.#awaitResult(job, result)
    else this.#settle(job, { output: result })
  }

  async #awaitResult(job: Job<I, O>, result: Promise<O | undefined>): Promise<void> {
    this.#settle(job, await result.then((output) => ({ output })).catch((error: unknown) => ({ error })))
    this.#startNext()
    this.#completeWhenDone()
  }

  #settle(job: Job<I, O>, outcome: Outcome<O>): void {
    job.outcome = outcome
    letGo(job.packet, 'output' in outcome ? outcome.output : undefined)
    for (let first = this.#jobs[0]; first?.outcome !== undefined; first = this.#jobs[0]) {
      this.#jobs.shift()
      this.#conclude(first.outcome)
    }
  }

  #conclude(outcome: Outcome<O>): void {
    const { counts } = this.#parts.edge
    counts.waiting--
    if (this.#stopped) {
      counts.dropped++
      if ('output' in outcome) outcome.output?.[Symbol.dispose]()
    } else if ('output' in outcome) {
      counts.out++
      if (outcome.output !== undefined) emit(this.#parts.subscriber, outcome.output)
    } else {
      counts.failed++
      this.#parts.edge.lastError = outcome.error
      this.#parts.options.onError?.(outcome.error)
    }
  }

  #completeWhenDone(): void {
    if (this.#sourceEnded && this.#jobs.length === 0 && this.#waiting.length === 0) this.#parts.subscriber.complete()
  }
}

/** Disposes work's input, unless it is also its output; an output that is part of a joined input gets a hold of its own. */
function letGo(input: AnyPacket, output: Packet | undefined): void {
  if (input === output) return
  if (output !== undefined && 'inputs' in input && Object.values(input.inputs).includes(output)) output.retain()
  input[Symbol.dispose]()
}
