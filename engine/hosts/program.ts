import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { EngineError } from '../errors.ts'

/** Of Debian's util-linux, which is always there: a program dies with the host that started it. */
const setpriv = '/usr/bin/setpriv'
/** What a program printed last on its standard error, for messages. */
const maxLastWords = 500

/** Where an installed program lies; undefined for one that is not there. */
export function findProgram(name: string, path = process.env.PATH ?? ''): string | undefined {
  return path
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find(isExecutable)
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    // Not there, or not ours to run: both mean that it is not to be had here.
    return false
  }
}

/** How a program is started. */
export interface ProgramOptions {
  /** As found by `findProgram`, or an absolute path. */
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** An open file that is its standard input, in place of a pipe. */
  readonly input?: number
  /** An open file that it finds as descriptor 3. */
  readonly file?: number
}

/** A child process of a host, which dies with the host. Whoever starts it ends it. */
export class Program {
  /** Resolves when it has ended, with how: `status 0`, `SIGKILL`. Never rejects. */
  readonly exited: Promise<string>
  readonly #child: ChildProcess
  #lastWords = ''

  constructor({ command, args, env, input, file }: ProgramOptions) {
    const wrapped = existsSync(setpriv) ? [setpriv, '--pdeathsig', 'KILL', command, ...args] : [command, ...args]
    const [first, ...others] = wrapped as [string, ...string[]]
    this.#child = spawn(first, others, {
      stdio: [input ?? 'pipe', 'pipe', 'pipe', ...(file === undefined ? [] : [file])],
      ...(env && { env: { ...process.env, ...env } }),
    })
    this.exited = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => resolve(signal ?? `status ${code}`))
      this.#child.on('error', (error) => resolve(error.message))
    })
    // Node makes no pipes for a program for which there are no descriptors left.
    if (!this.#child.stderr) throw new EngineError('unavailable', `Expected ${command} to start; try again later`)
    // A program that has ended takes nothing any more; `exited` tells of it.
    this.#child.stdin?.on('error', () => undefined)
    this.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#lastWords = (this.#lastWords + text).slice(-maxLastWords)
    })
  }

  get pid(): number | undefined {
    return this.#child.pid
  }
  /** Not where `input` was given. */
  get stdin(): Writable {
    return this.#child.stdin as Writable
  }
  get stdout(): Readable {
    return this.#child.stdout as Readable
  }
  get stderr(): Readable {
    return this.#child.stderr as Readable
  }
  /** The end of what it printed on its standard error. */
  get lastWords(): string {
    return this.#lastWords.trim()
  }

  /** SIGKILL; `exited` tells when it is over. */
  kill(): void {
    this.#child.kill('SIGKILL')
  }

  /** Kills it and resolves when it has ended. */
  async end(): Promise<void> {
    this.kill()
    await this.exited
  }
}

/** The error of a program that ended before it had answered. */
export function endedEarly(name: string, how: string, lastWords: string): EngineError {
  const words = lastWords === '' ? '' : `: ${lastWords}`
  return new EngineError('unavailable', `Expected ${name} to answer, but it ended (${how})${words}; try again`)
}

/** Throws `unavailable` with what to install. */
export function expectProgram(name: string, debianPackage: string): string {
  const found = findProgram(name)
  if (found !== undefined) return found
  throw new EngineError(
    'unavailable',
    `Expected the program ${name}, found none. Try: sudo apt install ${debianPackage}`,
  )
}
