import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { z } from 'zod'
import { EngineError, messageOf } from '../errors.ts'
import { writeWhole } from './whole-file.ts'

/** Measurements that are kept: with the middle one of so many, two that others disturbed do no harm. */
const keptMeasurements = 5

const bytes = z.number().int().positive()
const sizeSchema = z.strictObject({ file: bytes, memory: bytes, measured: z.array(bytes).min(1).max(keptMeasurements) })
const sizesSchema = z.record(z.string(), z.record(z.string(), sizeSchema))

/** By backend, then by model: bytes of the file that was loaded, bytes of memory that count, and the last measurements of these. */
export type Sizes = z.output<typeof sizesSchema>

/** Which artefact of which model. */
export interface Artefact {
  readonly model: string
  readonly backend: string
  readonly fileBytes: number
}

/**
 * What models take, in `<state>/model-sizes.json`: the next start plans by it. Another file of a model, or another backend, is
 * learned anew. A measurement is the growth of the host's private memory over one load with one run of the network, taken while no
 * other model is loaded or unloaded and after the allocator has given back what is free. What others allocate or free meanwhile
 * (the frames of a live stream, pictures) is in it, some 10 MB: so the middle one of the last five counts, and never less than the
 * file. A broken file is named in the log and begun anew.
 */
export class LearnedSizes implements AsyncDisposable {
  readonly #path: string
  readonly #log: Logger
  readonly #onWritten: (refusal: EngineError | undefined) => void
  #sizes: Promise<Sizes> | undefined
  #writing: Promise<void> = Promise.resolve()
  #written = ''

  /** `onWritten` is told of each writing: undefined, or what the disk refused. */
  constructor(options: {
    readonly stateFolder: string
    readonly log: Logger
    readonly onWritten?: ((refusal: EngineError | undefined) => void) | undefined
  }) {
    this.#path = join(options.stateFolder, 'model-sizes.json')
    this.#log = options.log
    this.#onWritten = options.onWritten ?? (() => undefined)
  }

  /** Bytes that it takes; undefined when it was never loaded. */
  async bytesOf({ model, backend, fileBytes }: Artefact): Promise<number | undefined> {
    const known = (await this.#read())[backend]?.[model]
    return known?.file === fileBytes ? known.memory : undefined
  }

  /** All that is known. */
  all(): Promise<Readonly<Sizes>> {
    return this.#read()
  }

  /** Keeps what a load has shown, and gives what counts. Written in the background. */
  async learn({ model, backend, fileBytes }: Artefact, bytes: number): Promise<number> {
    const sizes = await this.#read()
    const known = sizes[backend]?.[model]
    const before = known?.file === fileBytes ? known.measured : []
    const measured = [...before, Math.round(Math.max(bytes, fileBytes))].slice(-keptMeasurements)
    const memory = measured.toSorted((a, b) => a - b)[Math.floor(measured.length / 2)] ?? fileBytes
    sizes[backend] = { ...sizes[backend], [model]: { file: fileBytes, memory, measured } }
    this.#writing = this.#writing.then(() => this.#write(sizes))
    return memory
  }

  /** Waits for what is being written. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing
  }

  #read(): Promise<Sizes> {
    this.#sizes ??= this.#parse()
    return this.#sizes
  }

  async #parse(): Promise<Sizes> {
    try {
      this.#written = await readFile(this.#path, 'utf8')
      return sizesSchema.parse(JSON.parse(this.#written))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        this.#log.warn(
          { path: this.#path, reason: error instanceof z.ZodError ? z.prettifyError(error) : messageOf(error) },
          'learned sizes of models cannot be read; begun anew',
        )
      return {}
    }
  }

  async #write(sizes: Sizes): Promise<void> {
    const text = `${JSON.stringify(sizes, null, 2)}\n`
    if (text === this.#written) return
    try {
      await writeWhole(this.#path, [Buffer.from(text)])
      this.#written = text
      this.#onWritten(undefined)
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      this.#onWritten(error)
    }
  }
}
