import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { EngineError } from '../errors.ts'
import { endedEarly, expectProgram, Program } from './program.ts'
import type { RecogniseWindow, RecognisingProgram } from './restarting-program.ts'
import type { HeardWindow, HeardWord } from './speech-protocol.ts'

const models = '/usr/share/pocketsphinx/model/en-us'
/** Frames a second of its front end. */
const frameRate = 100
/** A window takes as long as it is, and several times that on a machine that is busy. */
const baseDeadlineMs = 30_000
const deadlinePerSecondMs = 20_000
const sampleRate = 16_000

/**
 * Debian's pocketsphinx with its US English model. Its accuracy is low: of six words it hears one wrong at best, of a clear voice. It
 * is used in its batch form, which knows a window's loudness before it begins: word error rate 0.2 where the streaming form has 0.8. The program
 * stays up; it is told of each window by a line, reads the samples from a file without a name, and answers by a line.
 */
export class PocketsphinxProgram implements RecognisingProgram {
  readonly #program: Program
  readonly #file: number
  #answer: ((line: string) => void) | undefined

  /** Throws `unavailable` when it is not installed. */
  constructor() {
    const command = expectProgram('pocketsphinx_batch', 'pocketsphinx pocketsphinx-en-us')
    this.#file = openNameless()
    // Samples of silence are kept: without them all times after one would be too early.
    const audio = ['-adcin', 'yes', '-remove_silence', 'no', '-cepdir', '/proc/self/fd', '-cepext', '']
    const model = ['-hmm', `${models}/en-us`, '-lm', `${models}/en-us.lm.bin`, '-dict', `${models}/cmudict-en-us.dict`]
    // Only with both is there a line for a window in which nothing was heard.
    const output = ['-hyp', '/dev/stdout', '-hypseg', '/dev/stdout', '-logfn', '/dev/stderr']
    const args = [...audio, ...model, ...output, '-ctl', '/dev/stdin']
    this.#program = new Program({ command, args, file: this.#file })
    createInterface(this.#program.stdout).on('line', (line) => this.#take(line))
    void this.#program.exited.then(() => closeSync(this.#file))
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
    const line = await this.#ask(samples, signal)
    return parseSegments(line)
  }

  async end(): Promise<void> {
    await this.#program.end()
  }

  async #ask(samples: Int16Array, signal: AbortSignal): Promise<string> {
    const deadlineMs = baseDeadlineMs + (samples.length / sampleRate) * deadlinePerSecondMs
    let failure: EngineError | undefined
    const stop = (error: EngineError) => {
      failure ??= error
      this.#program.kill()
    }
    const timeout = () => stop(new EngineError('timeout', `Expected pocketsphinx to answer within ${deadlineMs} ms`))
    const timer = setTimeout(timeout, deadlineMs)
    const abort = () => stop(new EngineError('cancelled', 'The caller gave up'))
    signal.addEventListener('abort', abort, { once: true })
    try {
      if (signal.aborted) abort()
      else this.#write(samples)
      const answer = new Promise<string>((resolve) => (this.#answer = resolve))
      const ended = this.#program.exited.then((how) => {
        throw failure ?? endedEarly('pocketsphinx', how, lastError(this.#program.lastWords))
      })
      return await Promise.race([answer, ended])
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
      this.#answer = undefined
    }
  }

  #write(samples: Int16Array): void {
    ftruncateSync(this.#file, 0)
    writeSync(this.#file, new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength), 0, undefined, 0)
    this.#program.stdin.write('3\n')
  }

  #take(line: string): void {
    if (segmentsLine.test(line)) this.#answer?.(line)
  }
}

/** A file for samples that vanishes with the last process that has it open. */
function openNameless(): number {
  const folder = mkdtempSync(join(tmpdir(), 'hailstream-speech-'))
  try {
    return openSync(join(folder, 'window.raw'), 'w+')
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** `3 S 0 T -119 A -118 L -56`, then start frame, two scores and word of each, then the frame at the end. */
const segmentsLine = /^3 S -?\d+ T -?\d+ A -?\d+ L -?\d+/
const fieldsBefore = 9
const fieldsOfWord = 4

/** The words of a line of `-hypseg`, with their times. Exported for its test. */
export function parseSegments(line: string): HeardWindow {
  const fields = line.trim().split(/\s+/).slice(fieldsBefore)
  const words: HeardWord[] = []
  for (let i = 0; i + fieldsOfWord < fields.length; i += fieldsOfWord) {
    const word = fields[i + 3] ?? ''
    const start = Number(fields[i]) / frameRate
    const end = Number(fields[i + fieldsOfWord]) / frameRate
    if (!/^[<[+]/.test(word)) words.push({ text: word.replace(/\(\d+\)$/, ''), start, end })
  }
  return { text: words.map(({ text }) => text).join(' '), words, language: 'en' }
}

function lastError(log: string): string {
  const errors = log.split('\n').filter((line) => /ERROR|FATAL/.test(line))
  return errors.at(-1) ?? ''
}
