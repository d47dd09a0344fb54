import type { Logger } from 'pino'
import type { HostStatus, OnHostStart, SharedPool } from './host.ts'
import { type PlaybackRequest, PlaybackSession } from './playback-session.ts'

/** Child processes that play with GStreamer, one per open speaker. */
export interface PlaybackHosts {
  /** Opens the device in a host of its own; `name` is `<pipeline>/<stream>`. Whoever opened it disposes it. */
  open(name: string, request: PlaybackRequest, log: Logger): PlaybackSession
  statuses(): HostStatus[]
}

/** What playback hosts share. */
export interface GstPlaybackHostsOptions {
  readonly pool: SharedPool
  readonly onStart?: OnHostStart
}

/** The engine's playback hosts. Disposing ends them all. */
export class GstPlaybackHosts implements PlaybackHosts, AsyncDisposable {
  readonly #options: GstPlaybackHostsOptions
  readonly #open = new Set<PlaybackSession>()
  /** Per name: the end of the last host, which holds the device until then. */
  readonly #closing = new Map<string, Promise<void>>()
  readonly #openings = new Map<string, number>()

  constructor(options: GstPlaybackHostsOptions) {
    this.#options = options
  }

  open(name: string, request: PlaybackRequest, log: Logger): PlaybackSession {
    const restarts = this.#openings.get(name) ?? 0
    this.#openings.set(name, restarts + 1)
    const before = this.#closing.get(name)
    const own = { name: `playback:${name}`, request, log, restarts: () => restarts }
    const session = new PlaybackSession({ ...this.#options, ...own }, before)
    this.#open.add(session)
    const closing = session.ended
      .catch(() => undefined)
      .then(() => {
        this.#open.delete(session)
        if (this.#closing.get(name) === closing) this.#closing.delete(name)
      })
    this.#closing.set(name, closing)
    return session
  }

  statuses(): HostStatus[] {
    return [...this.#open].map((session) => session.status)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#open].map((session) => session[Symbol.asyncDispose]()))
    await Promise.all(this.#closing.values())
  }
}
