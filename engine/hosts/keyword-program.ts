import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EngineError } from '../errors.ts'
import { KeywordLines, type TimedKeyword } from './keyword-lines.ts'
import { openNamelessEnds } from './nameless-pipe.ts'
import { endedEarly, expectProgram, Program } from './program.ts'

const models = '/usr/share/pocketsphinx/model/en-us'
/** Words are told at a pause. This many hundredths of a second of it: fewer would tear words apart at a stop consonant. */
const pauseFrames = 30
/** Thirty seconds of sound. */
const mostWaitingBytes = 30 * 16_000 * 2
/** A program that takes nothing for so long hangs: it needs a twentieth of the time that the sound lasts. */
const stuckMs = 20_000

/** What is listened for, and whom to tell. */
export interface KeywordProgramOptions {
  /** Lower case, all words known to the dictionary. */
  readonly phrases: readonly { readonly phrase: string; readonly threshold: number }[]
  readonly onSpotted: (keyword: TimedKeyword) => void
}

/** Debian's pocketsphinx, listening for phrases in a stream of 16 kHz mono. Whoever made it ends it. */
export class KeywordProgram {
  /** Resolves when the program has ended, with undefined after `finish`, else with why. Everything was told before. */
  readonly ended: Promise<EngineError | undefined>
  readonly #program: Program
  readonly #pipe: Socket
  #isFinished = false
  #stuck: NodeJS.Timeout | undefined
  #isStuck = false

  /** Throws `unavailable` when it is not installed. */
  constructor({ phrases, onSpotted }: KeywordProgramOptions) {
    const command = expectProgram('pocketsphinx_continuous', 'pocketsphinx pocketsphinx-en-us')
    const { reading, writing } = openNamelessEnds()
    const list = openNamelessList(phrases)
    // Its own standard input cannot be Node's, which is a socket: the program opens it anew by name.
    const sound = ['-infile', '/dev/stdin', '-vad_postspeech', String(pauseFrames), '-time', 'yes']
    const model = ['-hmm', `${models}/en-us`, '-dict', `${models}/cmudict-en-us.dict`, '-kws', '/proc/self/fd/3']
    try {
      this.#program = new Program({ command, args: [...sound, ...model], input: reading, file: list })
    } finally {
      closeSync(reading)
      closeSync(list)
    }
    this.#pipe = new Socket({ fd: writing, readable: false, writable: true })
    // A program that has ended takes nothing any more; `ended` tells of it.
    this.#pipe.on('error', () => undefined)
    const lines = new KeywordLines()
    this.#program.stdout.setEncoding('utf8').on('data', (text: string) => {
      for (const keyword of lines.read(text)) onSpotted(keyword)
    })
    this.ended = this.#program.exited.then((how) => this.#close(how))
  }

  get pid(): number | undefined {
    return this.#program.pid
  }

  /** Throws `busy`, having taken nothing, when it is 30 s behind. */
  push(samples: Int16Array): void {
    if (this.#pipe.writableLength > mostWaitingBytes)
      throw new EngineError('busy', 'Expected at most 30 s of sound to wait for the keyword spotter, more came')
    if (this.#pipe.destroyed || this.#isFinished) return
    const bytes = Buffer.from(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength))
    this.#stuck ??= this.#startDeadline()
    this.#pipe.write(bytes, () => this.#moveDeadline())
  }

  /** No more sound: `ended` resolves when all of it was heard. */
  finish(): void {
    if (this.#isFinished) return
    this.#isFinished = true
    clearTimeout(this.#stuck)
    this.#stuck = this.#startDeadline()
    this.#pipe.end()
  }

  /** Kills it and resolves when it has ended. */
  async end(): Promise<void> {
    this.#program.kill()
    await this.ended
  }

  #startDeadline(): NodeJS.Timeout {
    return setTimeout(() => {
      this.#isStuck = true
      this.#program.kill()
    }, stuckMs)
  }

  #moveDeadline(): void {
    clearTimeout(this.#stuck)
    const isOwed = this.#isFinished || this.#pipe.writableLength > 0
    this.#stuck = isOwed && !this.#pipe.destroyed ? this.#startDeadline() : undefined
  }

  #close(how: string): EngineError | undefined {
    clearTimeout(this.#stuck)
    this.#pipe.destroy()
    clearTimeout(this.#stuck)
    if (this.#isStuck)
      return new EngineError('timeout', `Expected the keyword spotter to take sound within ${stuckMs / 1000} s`)
    return this.#isFinished && how === 'status 0'
      ? undefined
      : endedEarly('the keyword spotter', how, this.#program.lastWords)
  }
}

/** A file of phrases that vanishes with the last process that has it open. */
function openNamelessList(phrases: KeywordProgramOptions['phrases']): number {
  const folder = mkdtempSync(join(tmpdir(), 'hailstream-keywords-'))
  try {
    const list = openSync(join(folder, 'list'), 'w+', 0o600)
    writeSync(list, phrases.map(({ phrase, threshold }) => `${phrase} /${threshold.toExponential()}/\n`).join(''))
    return list
  } finally {
    rmSync(folder, { recursive: true })
  }
}
