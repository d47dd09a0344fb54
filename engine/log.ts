import { writeSync } from 'node:fs'
import { isatty } from 'node:tty'
import { type Logger, pino } from 'pino'
import { messageOf } from './errors.ts'

export type { Logger } from 'pino'

const standardOutput = 1
/** What waits for a standard output that takes nothing; lines beyond are lost. */
const maxWaitingBytes = 65_536

/** Lines for a descriptor that may take none for a while, a full disk or a reader that is gone: they wait, then are lost; nothing ends by it. */
export class LogOutput {
  readonly #fd: number
  #waiting: Buffer = Buffer.alloc(0)
  #trouble: string | undefined
  #lost = 0

  constructor(fd: number) {
    this.#fd = fd
  }

  /** Takes one whole line, with its end. */
  write(line: string): void {
    const bytes = Buffer.from(line)
    if (this.#waiting.length + bytes.length > maxWaitingBytes) this.#lost++
    else this.#waiting = Buffer.concat([this.#waiting, bytes])
    this.flush()
  }

  /** Tries again with what waits. */
  flush(): void {
    try {
      while (this.#waiting.length > 0) this.#waiting = this.#waiting.subarray(writeSync(this.#fd, this.#waiting))
      this.#trouble = undefined
    } catch (error) {
      // A reader that is slow is no trouble yet.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') this.#trouble = messageOf(error)
    }
  }

  /** Why it takes nothing now, and how many lines were lost since the start; undefined while it does. */
  get trouble(): string | undefined {
    return this.#trouble && `${this.#trouble}; ${this.#lost} lines are lost`
  }
}

const output = new LogOutput(standardOutput)

/** Tries again to write what waits. Says what is wrong with the log's output, or nothing. */
export function checkLogOutput(): string | undefined {
  output.flush()
  return output.trouble && `The log cannot be written to standard output: ${output.trouble}`
}

/**
 * The engine's root logger: one JSON object a line on standard output, where systemd hands it to journald; on a
 * terminal a short readable line. Each part takes a child with its name.
 */
export function createLog(level: string): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  return pino(options, isatty(standardOutput) ? { write: (line) => output.write(toReadable(line)) } : output)
}

function toReadable(line: string): string {
  const { level, time, msg, part, ...fields } = JSON.parse(line) as Record<string, unknown>
  const rest = Object.entries(fields).map(
    ([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  return `${String(time).slice(11, 19)} ${String(level).padEnd(5)} ${part === undefined ? '' : `${part}: `}${msg}${rest.join('')}\n`
}
