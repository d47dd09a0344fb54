import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { EngineError } from '../errors.ts'
import { endedEarly, Program } from './program.ts'
import { type SherpaAnswer, type SherpaRequest, sherpaAnswer } from './sherpa-protocol.ts'
import type { HeardWindow, SherpaModel } from './speech-protocol.ts'

/** ONNX Runtime optimises the graphs while it loads them; on a Pi that takes seconds. */
const loadDeadlineMs = 120_000
const baseDeadlineMs = 30_000
const deadlinePerSecondMs = 10_000
const sampleRate = 16_000
/** Not for want of memory, and not killed. */
const endedItself = /^(SIGABRT|status [1-9])/

/** How the program is started. */
export interface SherpaStart {
  /** The folder into which `npm install --prefix` put sherpa-onnx-node. */
  readonly extras: string
  readonly model: SherpaModel
  readonly threads: number
  /** Of another program that speaks the protocol; for tests. */
  readonly script?: string
}

type Answer<T extends SherpaAnswer['type']> = Extract<SherpaAnswer, { type: T }>

/** The sherpa-onnx program as the host sees it. Whoever starts it ends it. */
export class SherpaProcess {
  readonly #program: Program
  #hear: ((answer: SherpaAnswer) => void) | undefined
  #lastId = 0

  private constructor({ extras, script }: SherpaStart) {
    const file = script ?? fileURLToPath(new URL('./sherpa-program.js', import.meta.url))
    this.#program = new Program({ command: process.execPath, args: [file, extras] })
    createInterface(this.#program.stdout).on('line', (line) => this.#take(line))
  }

  /** Starts the program and loads the model. Rejects with `unavailable` when sherpa-onnx-node is not installed, `not-found` or `invalid` for its files. */
  static async start(options: SherpaStart, signal: AbortSignal): Promise<SherpaProcess> {
    const started = new SherpaProcess(options)
    try {
      const { model, threads } = options
      await started.#ask({ type: 'load', model, threads }, 'loaded', { signal, deadlineMs: loadDeadlineMs })
      return started
    } catch (error) {
      await started.end()
      throw error
    }
  }

  get pid(): number | undefined {
    return this.#program.pid
  }
  /** See `Program`. */
  get exited(): Promise<string> {
    return this.#program.exited
  }

  /** One window at a time. Aborting or the deadline kills the program: it cannot be told to stop. */
  async recognise(
    { samples, language, translate }: { samples: Int16Array; language: string | null; translate: boolean },
    signal: AbortSignal,
  ): Promise<HeardWindow> {
    const bytes = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength)
    const id = ++this.#lastId
    const request = { type: 'recognise', id, samples: bytes.toString('base64'), language, translate } as const
    const deadlineMs = baseDeadlineMs + (samples.length / sampleRate) * deadlinePerSecondMs
    const { text, words, language: found } = await this.#ask(request, 'result', { signal, deadlineMs })
    return { text, words, language: found }
  }

  end(): Promise<void> {
    return this.#program.end()
  }

  async #ask<T extends SherpaAnswer['type']>(
    request: SherpaRequest,
    type: T,
    { signal, deadlineMs }: { signal: AbortSignal; deadlineMs: number },
  ): Promise<Answer<T>> {
    let failure: EngineError | undefined
    const stop = (error: EngineError) => {
      failure ??= error
      this.#program.kill()
    }
    const late = () => stop(new EngineError('timeout', `Expected sherpa-onnx to answer within ${deadlineMs} ms`))
    const timer = setTimeout(late, deadlineMs)
    const abort = () => stop(new EngineError('cancelled', 'The caller gave up'))
    signal.addEventListener('abort', abort, { once: true })
    try {
      if (signal.aborted) abort()
      else this.#program.stdin.write(`${JSON.stringify(request)}\n`)
      const answer = new Promise<SherpaAnswer>((resolve) => (this.#hear = resolve))
      const ended = this.#program.exited.then((how) => {
        throw failure ?? this.#whyEnded(request, how)
      })
      return expectAnswer(await Promise.race([answer, ended]), type)
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
      this.#hear = undefined
    }
  }

  /** A file that it cannot read ends the program, which says why on its standard error. */
  #whyEnded(request: SherpaRequest, how: string): EngineError {
    const { lastWords } = this.#program
    if (request.type !== 'load' || !endedItself.test(how)) return endedEarly('sherpa-onnx', how, lastWords)
    const files = Object.values(request.model.files).join(', ')
    return new EngineError('invalid', `Expected a ${request.model.kind} model of sherpa-onnx in ${files}: ${lastWords}`)
  }

  #take(line: string): void {
    // The library prints on the standard output as well: what is no answer of ours is that.
    const answer = sherpaAnswer.safeParse(parseJson(line))
    if (answer.success) this.#hear?.(answer.data)
  }
}

function expectAnswer<T extends SherpaAnswer['type']>(answer: SherpaAnswer, type: T): Answer<T> {
  if (answer.type === type) return answer as Answer<T>
  if (answer.type === 'error') throw new EngineError(answer.code, answer.message)
  throw new EngineError('internal', `Expected ${type} from sherpa-onnx, received ${answer.type}`)
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
