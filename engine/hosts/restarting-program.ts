import { EngineError } from '../errors.ts'
import type { LoadedSpeechModel } from './speech-network.ts'
import type { HeardWindow } from './speech-protocol.ts'

/** A program that recognises windows. */
export interface RecognisingProgram {
  readonly pid: number | undefined
  readonly exited: Promise<string>
  recognise(window: RecogniseWindow, signal: AbortSignal): Promise<HeardWindow>
  end(): Promise<void>
}

/** One window of 16 kHz mono. */
export interface RecogniseWindow {
  readonly samples: Int16Array
  readonly language: string | null
  readonly translate: boolean
}

/**
 * A recogniser in a program that is started again by the next window when it has ended: by an abort, which is the only way to
 * stop it, or because it died.
 */
export class RestartingProgram implements LoadedSpeechModel {
  readonly #start: (signal: AbortSignal) => Promise<RecognisingProgram>
  #program: RecognisingProgram | undefined
  #ended = false

  constructor(start: (signal: AbortSignal) => Promise<RecognisingProgram>) {
    this.#start = start
  }

  get pid(): number | undefined {
    return this.#program?.pid
  }

  /** Starts the program when it does not run. */
  async ready(signal: AbortSignal): Promise<RecognisingProgram> {
    if (this.#program) return this.#program
    if (this.#ended) throw new EngineError('unavailable', 'Expected the recogniser to be loaded; try again')
    const program = await this.#start(signal)
    if (this.#ended) await program.end()
    this.#program = program
    void program.exited.then(() => {
      if (this.#program === program) this.#program = undefined
    })
    return program
  }

  async recognise(window: RecogniseWindow, signal: AbortSignal): Promise<HeardWindow> {
    const program = await this.ready(signal)
    return program.recognise(window, signal)
  }

  async end(): Promise<void> {
    this.#ended = true
    await this.#program?.end()
  }
}
