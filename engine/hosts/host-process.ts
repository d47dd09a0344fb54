import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import type { Logger } from 'pino'
import type { NativePool } from '../native/addon.ts'
import { projectRoot } from '../root.ts'
import { type CallName, Channel, type ParamsOf, type Port } from './channel.ts'
import { hostOomScore, hostVariables } from './enter.ts'
import { followLines } from './follow-lines.ts'
import type { Message, Protocol } from './protocol.ts'

/** How long the engine waits for a host, in milliseconds. */
export interface HostTiming {
  /** From start to the first answer. */
  readonly readyMs: number
  readonly pingEveryMs: number
  /** A host that leaves a ping unanswered for so long is killed. */
  readonly pingMs: number
  /** From the closing of the channel to SIGKILL. */
  readonly endMs: number
  /** From SIGKILL until the kernel must have given the process back. */
  readonly reapMs: number
}
/**
 * What holds where an owner says nothing else. A host that stands still is found within 5 s. Its main thread never blocks, so
 * 4 s without an answer is far beyond the turn that a process at nice +10 gets on a full Pi: to kill one that runs is worse than
 * to kill one late.
 */
export const hostTiming: HostTiming = { readyMs: 10_000, pingEveryMs: 1000, pingMs: 4000, endMs: 2000, reapMs: 5000 }

/** Of the lines that a dying process prints, the one worth telling. */
const soundsLikeReason = /error|memory|\bOOM\b/i

/** What one incarnation is started with. */
export interface HostProcessOptions {
  /** Name of a file in `dist/engine/hosts/`, or the absolute path of a script. */
  readonly entry: string
  readonly memory: NativePool
  readonly log: Logger
  readonly env: Readonly<Record<string, string>>
  readonly timing: HostTiming
}

/** One incarnation of a host: a child process with a channel, watched by pings. Its owner calls `end`. */
export class HostProcess<P extends Protocol> {
  readonly channel: Channel<P>
  /** Resolves when the process was reaped, with how it ended. */
  readonly exited: Promise<string>
  readonly #child: ChildProcess | undefined
  readonly #options: HostProcessOptions
  #ping: NodeJS.Timeout | undefined
  #ending: Promise<void> | undefined
  /** What it printed first that sounds like a reason. */
  #lastWords = ''

  constructor(options: HostProcessOptions) {
    this.#options = options
    const child = startChild(options)
    this.#child = child instanceof Error ? undefined : child
    this.exited = child instanceof Error ? Promise.resolve(child.message) : exitOf(child)
    const port = child instanceof Error ? deadPort : childPort(child)
    this.channel = new Channel(port, (method) => this.kill(`no answer to ${method}`))
    // Nobody can ask it any more, and it may still write.
    port.onClose(() => void this.end())
    void this.exited.then(() => clearTimeout(this.#ping))
    followLines(this.#child?.stdout, (line) => options.log.debug({ line }, 'host printed'))
    followLines(this.#child?.stderr, (line) => this.#hearError(line))
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** Resolves when the host answers for the first time; rejects when it cannot run, dies before, or is too slow and so killed. */
  async ready(): Promise<void> {
    try {
      await this.#askPing(this.#options.timing.readyMs)
    } catch (error) {
      throw this.channel.closed ? await this.#whyGone() : error
    }
    this.#watch()
  }

  /** SIGKILL; `exited` tells when it is over. */
  kill(why: string): void {
    // A process that never came to be is number 0 to Node, and a signal to 0 goes to the engine's whole group.
    if (this.pid === undefined) return
    this.#options.log.warn({ pid: this.pid, why }, 'host killed')
    this.#child?.kill('SIGKILL')
  }

  /** Closes the channel, which asks the host to leave, and after a deadline kills it. Resolves when it was reaped. */
  end(): Promise<void> {
    this.#ending ??= this.#end()
    return this.#ending
  }

  async #end(): Promise<void> {
    const { endMs, reapMs } = this.#options.timing
    if (this.#child?.connected) this.#child.disconnect()
    if (await within(endMs, this.exited)) return
    this.kill('did not leave in time')
    if (!(await within(reapMs, this.exited))) this.#options.log.error({ pid: this.pid }, 'host cannot be reaped')
  }

  #hearError(line: string): void {
    this.#options.log.warn({ line }, 'host printed')
    if (this.#lastWords === '' && soundsLikeReason.test(line)) this.#lastWords = line.trim()
  }

  /** Its pipe closes a little before the process is reaped, and what it printed is read. */
  async #whyGone(): Promise<Error> {
    let how = 'its pipe closed'
    await within(
      this.#options.timing.endMs,
      this.exited.then((known) => (how = known)),
    )
    return new Error(this.#lastWords === '' ? how : `${how}: ${this.#lastWords}`)
  }

  #watch(): void {
    this.#ping = setTimeout(async () => {
      // A failed ping has killed the host already, or found it gone.
      await this.#askPing(this.#options.timing.pingMs).then(
        () => this.#watch(),
        () => undefined,
      )
    }, this.#options.timing.pingEveryMs)
  }

  #askPing(deadlineMs: number): Promise<unknown> {
    const never = new AbortController().signal
    return this.channel.begin('ping' as CallName<P>, {} as ParamsOf<P, CallName<P>>, { signal: never, deadlineMs })
      .answer
  }
}

/** Of Debian's util-linux, which is always there: a host is to die with the engine also while Node starts in it, before `enterHost`. */
const setpriv = '/usr/bin/setpriv'
const command = existsSync(setpriv) ? setpriv : process.execPath
const commandArgs = command === setpriv ? ['--pdeathsig', 'KILL', process.execPath] : []

/** A child process; or the reason why there is none: Node throws for want of memory, and tells the rest by an event. */
function startChild(options: HostProcessOptions): ChildProcess | Error {
  try {
    const child = spawnHost(options)
    if (child.pid !== undefined) offerToKernel(child.pid)
    return child
  } catch (error) {
    return error as Error
  }
}

/** Before the host itself comes to it: while it starts, the engine is the larger one, and the kernel would take that. */
function offerToKernel(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, String(hostOomScore))
  } catch {
    // It has gone already, or there is no descriptor left; the host says it too.
  }
}

function spawnHost({ entry, memory, env }: HostProcessOptions): ChildProcess {
  const file = isAbsolute(entry) ? entry : join(projectRoot, 'dist/engine/hosts', `${entry}.js`)
  return spawn(command, [...commandArgs, '--enable-source-maps', file], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc', memory.fd],
    serialization: 'advanced',
    env: {
      ...withoutToken(process.env),
      // ONNX Runtime would report its use to its maker.
      ORT_DISABLE_TELEMETRY: '1',
      ...env,
      [hostVariables.parent]: String(process.pid),
      [hostVariables.slots]: String(memory.slots),
      [hostVariables.slotBytes]: String(memory.slotBytes),
    },
  })
}

/** A host talks to cameras and decodes what strangers send: it must not know the token. */
function withoutToken(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => name !== 'HAILSTREAM_TOKEN'))
}

function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? `status ${code}`))
    child.on('error', (error) => {
      // Without a pid it never ran, so no `exit` will come. Other errors concern the pipe, whose end is told by `disconnect`.
      if (child.pid === undefined) resolve(error.message)
    })
  })
}

/** Closes as soon as its channel listens, as the port of a child does that could not be started. */
const deadPort: Port = {
  send: () => undefined,
  onMessage: () => undefined,
  onClose: (listener) => void process.nextTick(listener),
}

function childPort(child: ChildProcess): Port {
  return {
    send: (message) => {
      if (child.connected) child.send(message, () => undefined)
    },
    onMessage: (listener) => void child.on('message', (message) => listener(message as Message)),
    onClose: (listener) => {
      child.on('disconnect', listener)
      child.on('error', listener)
    },
  }
}

/** Whether the promise resolves within the time. */
async function within(ms: number, promise: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms)
  })
  try {
    return await Promise.race([promise.then(() => true), late])
  } finally {
    clearTimeout(timer)
  }
}
