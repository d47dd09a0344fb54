import type { Logger } from 'pino'
import { Subject } from 'rxjs'
import { EngineError } from '../errors.ts'
import { Host, type HostStatus, type OnHostStart, type SharedPool } from './host.ts'
import type { PlaybackPosition, PlaybackProtocol } from './playback-protocol.ts'

/** The first start of GStreamer on a machine scans all plug-ins. */
const readyMs = 30_000
const openMs = 12_000
/** A flush takes what is still heard, 80 ms, and the way there and back. */
const flushMs = 5000
/** Sound that may wait in a host; what comes beyond it is refused. */
const mostWaitingMs = 10_000

/** The device that is played into: signed 16 bit, interleaved. */
export interface PlaybackRequest {
  /** As `deviceOption` has it. */
  readonly device: string
  readonly rate: number
  readonly channels: number
}

/** What a playback session is made of. */
export interface PlaybackSessionOptions {
  readonly name: string
  readonly pool: SharedPool
  readonly request: PlaybackRequest
  readonly log: Logger
  readonly onStart?: OnHostStart | undefined
  restarts(): number
}

/** One opening of a speaker: a playback host, and where its playing stands. Whoever opened it disposes it. */
export class PlaybackSession implements AsyncDisposable {
  /** Rejects with `unavailable` when the device cannot be opened, breaks, or its host dies. Resolves when it was disposed. */
  readonly ended: Promise<void>
  readonly #options: PlaybackSessionOptions
  readonly #closed = new AbortController()
  readonly #changes = new Subject<void>()
  #host: Host<PlaybackProtocol> | undefined
  /** Sound and holds until the device is open. */
  #early: ((host: Host<PlaybackProtocol>) => void)[] = []
  #isOpen = false
  #takenMs = 0
  #position: PlaybackPosition = { heardMs: 0, droppedMs: 0 }

  constructor(options: PlaybackSessionOptions, before: Promise<void> | undefined) {
    this.#options = options
    this.ended = this.#run(before)
    // Its owner hears of it, at once or later.
    this.ended.catch(() => undefined)
  }

  get status(): HostStatus {
    const { name } = this.#options
    const restarts = this.#options.restarts()
    return { name, pid: this.#host?.pid ?? null, state: this.#host?.state ?? 'starting', restarts }
  }
  get takenMs(): number {
    return this.#takenMs
  }
  get heardMs(): number {
    return this.#position.heardMs
  }
  get droppedMs(): number {
    return this.#position.droppedMs
  }
  get changes(): Subject<void> {
    return this.#changes
  }

  /** Interleaved samples in the format of the request; borrowed. Throws `busy` when ten seconds wait already. */
  play(samples: Int16Array): void {
    const { rate, channels } = this.#options.request
    const ms = (samples.length * 1000) / (rate * channels)
    if (this.#takenMs - this.heardMs - this.droppedMs + ms > mostWaitingMs)
      throw new EngineError('busy', `Expected at most ${mostWaitingMs / 1000} s of sound to wait for the speaker`)
    this.#takenMs += ms
    this.#tell((host) => host.tell('sound', { samples }))
  }

  hold(): void {
    this.#tell((host) => host.tell('hold', {}))
  }

  resume(): void {
    this.#tell((host) => host.tell('resume', {}))
  }

  async flush(): Promise<void> {
    if (!this.#isOpen) return this.#dropEarly()
    const host = this.#host as Host<PlaybackProtocol>
    const position = await host.call('flush', {}, { signal: this.#closed.signal, deadlineMs: flushMs })
    this.#move(position)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort()
    await this.#host?.[Symbol.asyncDispose]()
    await this.ended.catch(() => undefined)
  }

  #dropEarly(): void {
    this.#early = []
    this.#move({ heardMs: 0, droppedMs: this.#takenMs })
  }

  #tell(tell: (host: Host<PlaybackProtocol>) => void): void {
    if (this.#isOpen && this.#host) tell(this.#host)
    else if (!this.#closed.signal.aborted) this.#early.push(tell)
  }

  #move(position: PlaybackPosition): void {
    this.#position = position
    this.#changes.next()
  }

  async #run(before: Promise<void> | undefined): Promise<void> {
    await before
    let failure: unknown
    for (let attempt = 0; !this.#closed.signal.aborted; attempt++) {
      const outcome = await this.#playInto(attempt)
      if (outcome instanceof EngineError && outcome.code === 'not-found' && failure !== undefined) break
      failure = outcome
      if (this.#isOpen) break
      this.#options.log.debug({ error: String(outcome) }, 'the device did not open')
    }
    this.#changes.complete()
    if (!this.#closed.signal.aborted) throw failure
  }

  /** Plays with one host until the device breaks; gives the reason. */
  async #playInto(attempt: number): Promise<unknown> {
    const { name, pool, log, onStart, request } = this.#options
    const host = new Host<PlaybackProtocol>({
      ...{ name, entry: 'playback', pool, log, restart: false, onStart },
      env: { GST_DEBUG_NO_COLOR: '1' },
      // A device that opens slowly blocks the main thread meanwhile.
      timing: { readyMs, pingMs: openMs },
    })
    this.#host = host
    // What was dropped before it opened counts on.
    const { droppedMs } = this.#position
    host.on('position', (position) => this.#move({ ...position, droppedMs: position.droppedMs + droppedMs }))
    const over = endOf(host)
    try {
      await host.start()
      await host.call('open', { ...request, attempt }, { signal: this.#closed.signal, deadlineMs: openMs })
      this.#isOpen = true
      for (const tell of this.#early.splice(0)) tell(host)
      return await over
    } catch (error) {
      return error
    } finally {
      await host[Symbol.asyncDispose]()
    }
  }
}

function endOf(host: Host<PlaybackProtocol>): Promise<EngineError> {
  return new Promise((resolve) => {
    host.on('ended', ({ message }) => resolve(new EngineError('unavailable', message)))
    host.onExit(() => resolve(new EngineError('unavailable', `Host ${host.name} died`)))
  })
}
