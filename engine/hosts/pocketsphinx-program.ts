import { spawnSync } from 'node:child_process'
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { EngineError } from '../errors.ts'
import { PocketsphinxLog } from './pocketsphinx-log.ts'
import { endedEarly, expectProgram, Program } from './program.ts'
import type { RecogniseWindow, RecognisingProgram } from './restarting-program.ts'
import type { HeardWindow } from './speech-protocol.ts'

const models = '/usr/share/pocketsphinx/model/en-us'
/** A window takes as long as it is, and several times that on a machine that is busy. */
const baseDeadlineMs = 30_000
const deadlinePerSecondMs = 20_000
const sampleRate = 16_000
/**
 * States and words that it follows at a time. Its own, 30,000 and no limit, cost half as much work again: on two recordings 16.5 s of CPU
 * against 10.1, and no word more was right. With 5000 it hears worse.
 */
const searchLimits = ['-maxhmmpf', '7000', '-maxwpf', '10']

/**
 * Debian's pocketsphinx with its US English model. Its accuracy is low: of a clear voice it hears one word in four or five wrong. It is
 * used in its batch form, which looks at a whole window before it begins and errs a third as often as the form for streams.
 *
 * The program stays up. It is told of each window by a line, for which it needs a pipe that has a name: Node's own are sockets, which it
 * cannot open. The samples lie in a file, and the answer is in its log. Pipe and file have lost their names, so that nothing of them
 * stays behind.
 */
export class PocketsphinxProgram implements RecognisingProgram {
  readonly #program: Program
  readonly #lines: number
  readonly #samples: number
  readonly #log = new PocketsphinxLog()
  #answer: ((heard: HeardWindow) => void) | undefined

  /** Throws `unavailable` when it is not installed. */
  constructor() {
    const command = expectProgram('pocketsphinx_batch', 'pocketsphinx pocketsphinx-en-us')
    const { lines, samples } = openNameless()
    this.#lines = lines
    this.#samples = samples
    // Silence is kept: without it all times after one would be too early.
    const audio = ['-adcin', 'yes', '-remove_silence', 'no', '-cepdir', '/proc/self/fd', '-cepext', '']
    const model = ['-hmm', `${models}/en-us`, '-lm', `${models}/en-us.lm.bin`, '-dict', `${models}/cmudict-en-us.dict`]
    const args = [...audio, ...model, ...searchLimits, '-backtrace', 'yes', '-ctl', '/dev/stdin']
    this.#program = new Program({ command, args, input: lines, file: samples })
    createInterface(this.#program.stderr).on('line', (line) => this.#take(line))
    this.#program.stdout.resume()
    void this.#program.exited.then(() => {
      closeSync(lines)
      closeSync(samples)
    })
  }

  get pid(): number | undefined {
    return this.#program.pid
  }
  /** See `Program`. */
  get exited(): Promise<string> {
    return this.#program.exited
  }

  /** One window at a time. Aborting or the deadline kills the program: it cannot be told to stop. */
  async recognise({ samples }: RecogniseWindow, signal: AbortSignal): Promise<HeardWindow> {
    const deadlineMs = baseDeadlineMs + (samples.length / sampleRate) * deadlinePerSecondMs
    let failure: EngineError | undefined
    const stop = (error: EngineError) => {
      failure ??= error
      this.#program.kill()
    }
    const late = () => stop(new EngineError('timeout', `Expected pocketsphinx to answer within ${deadlineMs} ms`))
    const timer = setTimeout(late, deadlineMs)
    const abort = () => stop(new EngineError('cancelled', 'The caller gave up'))
    signal.addEventListener('abort', abort, { once: true })
    try {
      const answer = new Promise<HeardWindow>((resolve) => (this.#answer = resolve))
      if (signal.aborted) abort()
      else this.#ask(samples)
      const ended = this.#program.exited.then((how) => {
        throw failure ?? endedEarly('pocketsphinx', how, this.#log.lastError)
      })
      return await Promise.race([answer, ended])
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
      this.#answer = undefined
    }
  }

  async end(): Promise<void> {
    await this.#program.end()
  }

  #ask(samples: Int16Array): void {
    ftruncateSync(this.#samples, 0)
    writeSync(this.#samples, new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength), 0, undefined, 0)
    writeSync(this.#lines, '3\n')
  }

  #take(line: string): void {
    const heard = this.#log.read(line)
    if (heard) this.#answer?.(heard)
  }
}

/** A pipe for lines and a file for samples, which vanish with the last process that has them open. */
function openNameless(): { readonly lines: number; readonly samples: number } {
  const folder = mkdtempSync(join(tmpdir(), 'hailstream-speech-'))
  try {
    const pipe = join(folder, 'lines')
    const { status, error } = spawnSync('mkfifo', [pipe])
    if (status !== 0)
      throw new EngineError('unavailable', `Expected mkfifo to make ${pipe}: ${error ?? `status ${status}`}`)
    return { lines: openSync(pipe, 'r+'), samples: openSync(join(folder, 'samples'), 'w+') }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
