import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Logger } from 'pino'
import { restartDelayMs } from '../core/lifecycle.ts'
import { EngineError, messageOf } from '../errors.ts'
import { followLines } from '../hosts/follow-lines.ts'
import { addonFile } from '../native/addon.ts'

const run = promisify(execFile)
/** Where set-up builds the stand-in for libhailort and its tools: beside the addon's folder. */
const toolsFolder = join(dirname(addonFile('standin')), '../standin-OFF')
const readyMs = 10_000
const makeHefsMs = 60_000
const endMs = 2000

/** What the stand-in is started with. */
export interface StandinOptions {
  readonly stateFolder: string
  readonly log: Logger
  /** Divides the times of loading and of tokens, which are the vendor's; left out: 1. */
  readonly speed?: number
  /** Where it listens; left out: a path of its own. */
  readonly socket?: string
}

/**
 * The simulated device: a program that listens on a socket, started again when it ends, with HEFs for every network that it
 * knows. It dies with the engine. Its owner disposes it.
 */
export class StandinDevice implements AsyncDisposable {
  /** Folder of the HEFs. */
  readonly models: string
  /** What a process needs in its environment to find the device. */
  readonly env: Readonly<Record<string, string>>
  readonly #socket: string
  readonly #log: Logger
  readonly #speed: number
  readonly #ended = new AbortController()
  #child: ChildProcess | undefined
  #failures = 0

  private constructor({ stateFolder, log, speed = 1, socket }: StandinOptions) {
    this.models = join(stateFolder, 'stand-in')
    // A path of a socket has at most 107 characters, which a state folder may exceed: its process makes it unique.
    this.#socket = socket ?? join(tmpdir(), `hailstream-standin-${process.pid}-${++devices}`)
    this.env = { HAILORT_STANDIN_SOCKET: this.#socket }
    this.#log = log
    this.#speed = speed
  }

  /** Makes the HEFs and starts the device. Throws `unavailable` when the stand-in is not built, naming the command that builds it. */
  static async start(options: StandinOptions): Promise<StandinDevice> {
    if (!existsSync(addonFile('standin')) || !existsSync(join(toolsFolder, 'hailort-standin-device')))
      throw new EngineError(
        'unavailable',
        'Expected the stand-in for HailoRT to be built. Run: npm run setup -- hailo.standIn=true',
      )
    const device = new StandinDevice(options)
    await removeLeftovers()
    await mkdir(device.models, { recursive: true })
    await run(join(toolsFolder, 'hailort-standin-hef'), ['--all', device.models], { timeout: makeHefsMs })
    await device.#launch()
    return device
  }

  /** Where it listens. */
  get socket(): string {
    return this.#socket
  }
  get pid(): number | undefined {
    return this.#child?.pid
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort()
    const child = this.#child
    if (child && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
      child.kill('SIGKILL')
      await Promise.race([ended, sleep(endMs, undefined, { ref: false })])
    }
    await rm(this.#socket, { force: true })
  }

  async #launch(): Promise<void> {
    const startedAt = performance.now()
    const speed = ['--speed', `${this.#speed}`, '--token-speed', `${this.#speed}`]
    const args = ['--socket', this.#socket, '--die-with-parent', ...speed]
    const child = spawn(join(toolsFolder, 'hailort-standin-device'), args, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    child.on('error', (error) => this.#log.error({ reason: messageOf(error) }, 'stand-in device not started'))
    followLines(child.stderr, (line) => this.#log.warn({ line }, 'stand-in device printed'))
    child.once('exit', (code, signal) => this.#afterExit(startedAt, `${signal ?? `status ${code}`}`))
    await whenReady(child)
  }

  #afterExit(startedAt: number, how: string): void {
    if (this.#ended.signal.aborted) return
    this.#log.warn({ how }, 'stand-in device ended')
    const delayMs = restartDelayMs(this.#failures++, performance.now() - startedAt)
    sleep(delayMs, undefined, { signal: this.#ended.signal, ref: false })
      .then(() => this.#launch())
      // Its end brings us here again; when it was ended on purpose, nothing is to be done.
      .catch(() => undefined)
  }
}

let devices = 0

/** Sockets of devices whose engine was killed, which could not remove them. */
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = /^hailstream-standin-(\d+)-\d+$/.exec(name)?.[1]
    // Another user's stays where it is.
    if (pid !== undefined && !existsSync(`/proc/${pid}`))
      await rm(join(tmpdir(), name), { force: true }).catch(() => undefined)
  }
}

/** Settles once it has said that it listens. */
async function whenReady(child: ChildProcess): Promise<void> {
  const told = new Promise<void>((ready, fail) => {
    child.stdout?.once('data', () => ready())
    child.once('exit', () =>
      fail(new EngineError('unavailable', 'Expected the stand-in device to start, but it ended')),
    )
  })
  const late = sleep(readyMs, undefined, { ref: false }).then(() => {
    throw new EngineError('timeout', `Expected the stand-in device to start within ${readyMs} ms`)
  })
  await Promise.race([told, late])
}
