import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { restartDelayMs, stableMs } from '../core/lifecycle.ts'
import { EngineError, messageOf } from '../errors.ts'
import type { Begun, CallName, CallOptions, ParamsOf, ResultOf } from '../hosts/channel.ts'
import type { HailoOpened, HailoRefusal, HailoVisionProtocol } from '../hosts/hailo-protocol.ts'
import { Host, type HostStatus, type OnHostStart, type SharedPool } from '../hosts/host.ts'
import { variantVariable } from '../native/addon.ts'
import type { HailoHealth, HailoNotice } from '../native/hailo.ts'
import { toLoss } from './hailo-language-host.ts'
import type { HailoSupport } from './hailo-support.ts'
import { ProgressWatch } from './progress-watch.ts'

/** The library may lose the answer to opening, and gives up after 10 s. */
const openDeadlineMs = 12_000
const healthEveryMs = 2000
/** For the same reason; a device that hangs while it is at work is found by `ProgressWatch`. */
const healthDeadlineMs = 12_000
/** Nobody waits longer than this for the first verdict. */
const settleMs = 5000
/** How often is looked whether a device has come that was never there, or whether somebody has changed what keeps it from being used, as versions that do not match. */
const defaultTiming = { absentAgainMs: 10_000, failedAgainMs: 60_000 }
const deviceFile = '/dev/hailo0'
const hostEnded = 'its host ended and is started again'
const never = new AbortController().signal

/** The device as health shows it. */
export interface HailoDeviceStatus {
  /** `absent` before it was ever there, `recovering` afterwards; `failed`: it cannot be used until somebody changes something. */
  readonly state: 'ready' | 'absent' | 'failed' | 'recovering'
  readonly reason?: string
  readonly simulated: boolean
  /** Of the library, `5.2.0`. */
  readonly library?: string
  readonly health?: HailoHealth
  /** The last thing that it told of its own accord, until it takes it back. */
  readonly notice?: HailoNotice
}

/** What the link is made with. */
export interface HailoLinkOptions {
  readonly support: HailoSupport
  readonly pool: SharedPool
  readonly log: Logger
  readonly onHostStart?: OnHostStart | undefined
  /** Bytes of the device's memory that our own models take by our books; undefined while one is loaded or unloaded. */
  readonly ownBytes: () => number | undefined
  readonly timing?: Partial<typeof defaultTiming> | undefined
}

/**
 * The host that has the device open, and the device's state: opens it, looks after it, and opens it again when it or its host was lost,
 * for ever. While there is no device there is no host. Its owner disposes it.
 */
export class HailoLink implements AsyncDisposable {
  /** Resolves with the first verdict. */
  readonly settled: Promise<void>
  readonly #options: HailoLinkOptions
  readonly #log: Logger
  readonly #readyListeners = new Set<() => void>()
  readonly #lostListeners = new Set<() => void>()
  readonly #ended = new AbortController()
  readonly #watch = new ProgressWatch((why) => this.#host?.kill(why))
  readonly #running: Promise<void>
  #settle: () => void = () => undefined
  #host: Host<HailoVisionProtocol> | undefined
  #status: HailoDeviceStatus
  #everReady = false
  #foreignBytes = 0
  #ping: NodeJS.Timeout | undefined

  constructor(options: HailoLinkOptions) {
    this.#options = options
    this.#log = options.log.child({ device: 'hailo' })
    this.#status = { state: 'absent', reason: 'it is being looked for', simulated: options.support.simulated }
    const first = new Promise<void>((resolve) => {
      this.#settle = resolve
    })
    this.settled = Promise.race([
      first,
      sleep(settleMs, undefined, { ref: false, signal: this.#ended.signal }).catch(() => undefined),
    ])
    this.#running = this.#run()
  }

  get status(): HailoDeviceStatus {
    // A host's pipe closes before the process is reaped: nothing can be asked from then on.
    if (this.#status.state === 'ready' && this.#host?.state !== 'up') return this.#recovering(hostEnded)
    return this.#status
  }
  get isReady(): boolean {
    return this.status.state === 'ready'
  }
  /** Name of the host's incarnation. */
  get borrower(): string {
    return this.#host?.borrower ?? ''
  }
  get budgetBytes(): number | null {
    const total = this.#status.health?.memoryTotalBytes
    return total === undefined ? null : Math.max(0, total - this.#foreignBytes)
  }

  hosts(): HostStatus[] {
    return this.#host ? [this.#host.status] : []
  }

  onReady(listener: () => void): void {
    this.#readyListeners.add(listener)
  }
  onLost(listener: () => void): void {
    this.#lostListeners.add(listener)
  }

  /** As `Host.begin`; a device that gives no answers while it is asked has its host killed. */
  begin<M extends CallName<HailoVisionProtocol>>(
    method: M,
    params: ParamsOf<HailoVisionProtocol, M>,
    options: CallOptions,
  ): Begun<ResultOf<HailoVisionProtocol, M>> {
    const host = this.#host
    if (!host) return { answer: Promise.reject(this.#goneError()), settled: Promise.resolve() }
    const { answer, settled } = host.begin(method, params, options)
    if (method === 'infer' || method === 'load') this.#watch.follow(method, settled)
    return { answer: answer.catch((error: unknown) => Promise.reject(toLoss(error))), settled }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort()
    clearTimeout(this.#ping)
    this.#watch[Symbol.dispose]()
    await this.#host?.[Symbol.asyncDispose]()
    await this.#running
  }

  async #run(): Promise<void> {
    for (let failures = 0; !this.#ended.signal.aborted; ) {
      const startedAt = performance.now()
      const refused = await this.#open()
      if (this.#ended.signal.aborted) return
      if (refused === undefined) {
        await this.#untilLost()
        if (performance.now() - startedAt > stableMs) failures = 0
      } else await this.#waitAfter(refused, restartDelayMs(failures++, performance.now() - startedAt))
    }
  }

  /** Why the device is not open; undefined when it is. */
  async #open(): Promise<HailoRefusal | undefined> {
    const host = this.#host ?? this.#createHost()
    this.#host = host
    try {
      await host.start()
      const { group } = this.#options.support
      const result = await host.call('open', { group }, { signal: never, deadlineMs: openDeadlineMs })
      if ('refused' in result) return result.refused
      if (!this.#ended.signal.aborted) this.#becomeReady(result.opened)
      return undefined
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      return { reaction: 'recycle', message: error.message }
    }
  }

  #createHost(): Host<HailoVisionProtocol> {
    const { support, pool, log, onHostStart: onStart } = this.#options
    const env = { ...support.env, [variantVariable]: support.variant }
    const parts = { name: 'hailo-vision', entry: 'hailo-vision', pool, log, restart: true, onStart, env }
    const host = new Host<HailoVisionProtocol>(parts)
    host.on('ending', ({ reason }) => this.#lose(`its host is replaced: ${reason}`))
    return host
  }

  #becomeReady({ library, health }: HailoOpened): void {
    const { simulated } = this.#options.support
    this.#everReady = true
    this.#status = { state: 'ready', simulated, library: library.version, health }
    this.#countMemory(health)
    this.#log.info(
      { board: health.board, firmware: health.firmware, library: library.version, simulated },
      'device ready',
    )
    this.#settle()
    this.#ping = setTimeout(() => void this.#askHealth(), healthEveryMs)
    for (const listener of this.#readyListeners) listener()
  }

  async #untilLost(): Promise<void> {
    const host = this.#host
    if (host?.state === 'up')
      await new Promise<void>((resolve) => {
        const forget = host.onExit(() => {
          forget()
          resolve()
        })
      })
    this.#lose(hostEnded)
  }

  /** Also before the host has ended: what is asked of it meanwhile would be refused, and held against the models. */
  #lose(reason: string): void {
    clearTimeout(this.#ping)
    if (this.#ended.signal.aborted || this.#status.state !== 'ready') return
    this.#status = this.#recovering(reason)
    this.#log.warn({ reason }, 'device lost')
    for (const listener of this.#lostListeners) listener()
  }

  #recovering(reason: string): HailoDeviceStatus {
    return { state: 'recovering', reason, simulated: this.#options.support.simulated }
  }

  async #waitAfter({ reaction, message }: HailoRefusal, delayMs: number): Promise<void> {
    const { simulated } = this.#options.support
    const state = reaction === 'report' ? 'failed' : this.#everReady ? 'recovering' : 'absent'
    if (this.#status.reason !== message) this.#log.warn({ state, reason: message }, 'device not opened')
    this.#status = { state, reason: message, simulated }
    this.#settle()
    if (this.#everReady && state !== 'failed') return this.#sleep(delayMs)
    await this.#host?.[Symbol.asyncDispose]()
    this.#host = undefined
    const { absentAgainMs, failedAgainMs } = { ...defaultTiming, ...this.#options.timing }
    await this.#sleep(state === 'failed' ? failedAgainMs : absentAgainMs)
    // The bus makes this file before anything can be opened; the stand-in has none.
    while (!this.#ended.signal.aborted && !simulated && !existsSync(deviceFile)) await this.#sleep(absentAgainMs)
  }

  async #sleep(ms: number): Promise<void> {
    // It ends early when the engine stops.
    await sleep(ms, undefined, { signal: this.#ended.signal, ref: false }).catch(() => undefined)
  }

  async #askHealth(): Promise<void> {
    const host = this.#host
    const borrower = this.borrower
    try {
      const asked = host?.call('health', {}, { signal: this.#ended.signal, deadlineMs: healthDeadlineMs })
      const told = await asked
      if (told && this.isReady && borrower === this.borrower) this.#take(told.health, told.notices)
    } catch (error) {
      this.#log.debug({ reason: messageOf(error) }, 'device told nothing')
    }
    if (this.isReady && borrower === this.borrower && !this.#ended.signal.aborted)
      this.#ping = setTimeout(() => void this.#askHealth(), healthEveryMs)
  }

  #take(health: HailoHealth, notices: readonly HailoNotice[]): void {
    for (const { kind, value } of notices) this.#log.warn({ notice: kind, value }, 'device told')
    const { notice: before, ...status } = this.#status
    const notice = notices.at(-1) ?? before
    const isOver = notice?.kind === 'throttling' && notice.value === 0
    this.#status = { ...status, health, ...(notice && !isOver ? { notice } : {}) }
    this.#countMemory(health)
  }

  #countMemory({ memoryUsedBytes = 0 }: HailoHealth): void {
    const ownBytes = this.#options.ownBytes()
    if (ownBytes !== undefined) this.#foreignBytes = Math.max(0, memoryUsedBytes - ownBytes)
  }

  #goneError(): EngineError {
    const { state, reason } = this.status
    return new EngineError('unavailable', `Expected the Hailo device, but it is ${state}: ${reason}; try again later`)
  }
}
