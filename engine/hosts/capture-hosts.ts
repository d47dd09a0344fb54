import { Observable } from 'rxjs'
import { emit } from '../core/edge.ts'
import type { PacketOf } from '../core/packet.ts'
import { type CaptureRequest, CaptureSession, type CaptureTools } from './capture-session.ts'
import type { HostStatus, OnHostStart, SharedPool } from './host.ts'
import { type SoundRequest, SoundSession } from './sound-session.ts'

/** Child processes that capture with GStreamer, one per open source. */
export interface CaptureHosts {
  /** Larger pictures do not fit a slot. */
  readonly maxSize: { readonly width: number; readonly height: number }
  /**
   * Packets of one source; subscribing starts a host, unsubscribing ends it. `name` is `<pipeline>/<stream>`. Each packet belongs
   * to the subscriber. Ends with `unavailable` when the source ends or breaks or its host dies.
   */
  open(name: string, request: CaptureRequest, tools: CaptureTools): Observable<PacketOf<'image'>>
  /** As `open`, for sound; completes when the sound has ended. */
  openSound(name: string, request: SoundRequest, tools: CaptureTools): Observable<PacketOf<'audio'>>
  statuses(): HostStatus[]
}

/** What capture hosts share. `maxSize` in pixels. */
export interface GstCaptureHostsOptions {
  readonly pool: SharedPool
  readonly maxSize: { readonly width: number; readonly height: number }
  readonly onStart?: OnHostStart
}

/** One opening of a source. */
type Session = CaptureSession | SoundSession

/** The engine's capture hosts. Disposing ends them all; subscribers get no more packets. */
export class GstCaptureHosts implements CaptureHosts, AsyncDisposable {
  readonly maxSize: { readonly width: number; readonly height: number }
  readonly #options: GstCaptureHostsOptions
  readonly #open = new Set<Session>()
  /** Per name: the end of the last host, which holds the camera until then. */
  readonly #closing = new Map<string, Promise<void>>()
  readonly #restarts = new Map<string, number>()

  constructor(options: GstCaptureHostsOptions) {
    this.#options = options
    this.maxSize = options.maxSize
  }

  open(name: string, request: CaptureRequest, tools: CaptureTools): Observable<PacketOf<'image'>> {
    const order = [...request.launches]
    return new Observable((subscriber) => {
      const session = new CaptureSession({
        ...this.#options,
        name: `capture:${name}`,
        request: { ...request, launches: [...order] },
        tools,
        share: () => this.#share(),
        onPacket: (packet) => emit(subscriber, packet),
        onError: (error) => {
          this.#countRestart(name)
          subscriber.error(error)
        },
        onChosen: (launch) => order.unshift(...order.splice(order.indexOf(launch), 1)),
        restarts: () => this.#restarts.get(name) ?? 0,
      })
      return this.#run(name, session)
    })
  }

  openSound(name: string, request: SoundRequest, tools: CaptureTools): Observable<PacketOf<'audio'>> {
    const order = [...request.launches]
    return new Observable((subscriber) => {
      const session = new SoundSession({
        ...this.#options,
        name: `capture:${name}`,
        request: { ...request, launches: [...order] },
        tools,
        onPacket: (packet) => emit(subscriber, packet),
        onEnd: (error) => {
          if (error === undefined) return subscriber.complete()
          this.#countRestart(name)
          subscriber.error(error)
        },
        onChosen: (launch) => order.unshift(...order.splice(order.indexOf(launch), 1)),
        restarts: () => this.#restarts.get(name) ?? 0,
      })
      return this.#run(name, session)
    })
  }

  statuses(): HostStatus[] {
    return [...this.#open].map((session) => session.status)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#open].map((session) => session[Symbol.asyncDispose]()))
    await Promise.all(this.#closing.values())
  }

  /** Slots that one source may have: the pool is one, for all. */
  #share(): number {
    const { slots } = this.#options.pool.ledger.stats()
    const takers = [...this.#open].filter((session) => session instanceof CaptureSession)
    return Math.max(3, Math.floor(slots / Math.max(1, takers.length)))
  }

  #run(name: string, session: Session): () => void {
    this.#open.add(session)
    void session.run(this.#closing.get(name))
    return () => this.#close(name, session)
  }

  #countRestart(name: string): void {
    this.#restarts.set(name, (this.#restarts.get(name) ?? 0) + 1)
  }

  #close(name: string, session: Session): void {
    this.#open.delete(session)
    const closing = session[Symbol.asyncDispose]().then(() => {
      if (this.#closing.get(name) === closing) this.#closing.delete(name)
    })
    this.#closing.set(name, closing)
  }
}
