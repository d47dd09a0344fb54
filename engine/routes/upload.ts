import type { FileHandle } from 'node:fs/promises'
import { openUnnamedFile, writeAll } from '../audio/unnamed-file.ts'
import { EngineError } from '../errors.ts'
import { boundaryOf, MultipartParser, type PartHead } from './multipart.ts'

/** The body is of a type that is not understood: status 415. */
export class WrongUpload extends Error {}

/** A file of a form, on disk without a name: it is gone when it is closed, or its process ends. */
export interface UploadedFile {
  readonly field: string
  readonly fileName: string
  readonly type: string
  readonly bytes: number
  readonly fd: number
}

/** What a form holds. Whoever read it disposes it, and its files with it. */
export interface Form extends AsyncDisposable {
  /** Text fields in their order; a name may come more than once. */
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly files: readonly UploadedFile[]
}

/** What a form may hold. */
export interface FormLimits {
  /** Bytes of one file. */
  readonly maxFileBytes: number
  readonly maxFiles: number
}

/** Bytes of one text field. */
const maxFieldBytes = 1_048_576
/** Of all text fields together. */
const maxFieldsBytes = 4_194_304
/** Of one form; each has a head of its own. */
const maxParts = 1000

/**
 * Reads a `multipart/form-data` body; its files go to the folder, which is made where it is missing, while they arrive. Throws `invalid`,
 * `too-large`, `WrongUpload` for a body of another type, and what reading the body throws. Nothing stays on disk then.
 */
export async function readForm(request: Request, folder: string, limits: FormLimits): Promise<Form> {
  const type = request.headers.get('content-type') ?? ''
  if (!/^multipart\/form-data\s*(;|$)/i.test(type))
    throw new WrongUpload(`Content-Type must be multipart/form-data, received ${type || 'no content type'}`)
  const reader = new FormReader(folder, limits)
  const parser = new MultipartParser(boundaryOf(type), reader)
  try {
    if (request.body === null) throw new EngineError('invalid', 'Expected a multipart body, received none')
    for await (const chunk of request.body) {
      parser.write(chunk)
      await reader.written()
    }
    parser.end()
    return reader
  } catch (error) {
    await reader[Symbol.asyncDispose]()
    throw noRoom(error) ?? error
  }
}

function noRoom(error: unknown): EngineError | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code !== 'ENOSPC' && code !== 'EDQUOT' && code !== 'EMFILE' && code !== 'ENFILE') return undefined
  return new EngineError('unavailable', `The system has no room for the upload (${code}). Try again later`)
}

/** A part that is coming in. */
interface Part {
  readonly head: PartHead
  readonly isFile: boolean
  bytes: number
  /** Of a text field, all; of a file, what is not written yet. */
  readonly chunks: Buffer[]
  handle: FileHandle | undefined
  ended: boolean
}

/** Collects fields and writes files. What one chunk of the body holds of them is written before the next is read. */
class FormReader implements Form {
  readonly fields: [string, string][] = []
  readonly files: UploadedFile[] = []
  readonly #folder: string
  readonly #limits: FormLimits
  readonly #handles: FileHandle[] = []
  /** Files that have something to write, in order; the last may still come in. */
  #unwritten: Part[] = []
  #part: Part | undefined
  #parts = 0
  #files = 0
  #fieldsBytes = 0

  constructor(folder: string, limits: FormLimits) {
    this.#folder = folder
    this.#limits = limits
  }

  begin(head: PartHead): void {
    const isFile = head.fileName !== undefined
    this.#part = { head, isFile, bytes: 0, chunks: [], handle: undefined, ended: false }
    this.#parts++
    if (isFile) this.#files++
    const { maxFiles } = this.#limits
    if (this.#files > maxFiles)
      throw new EngineError('invalid', `Expected at most ${maxFiles} files in the form, received more`)
    if (this.#parts > maxParts)
      throw new EngineError('invalid', `Expected at most ${maxParts} parts in the form, received more`)
    if (isFile) this.#unwritten.push(this.#part)
  }

  bytes(chunk: Buffer): void {
    const part = this.#current()
    part.bytes += chunk.length
    if (part.isFile) this.#boundFile(part)
    else this.#boundField(part, chunk.length)
    // A field waits for its end, by when the chunk is gone.
    part.chunks.push(part.isFile ? chunk : Buffer.from(chunk))
  }

  end(): void {
    const part = this.#current()
    part.ended = true
    if (!part.isFile) this.fields.push([part.head.name, Buffer.concat(part.chunks).toString('utf8')])
  }

  /** What was taken in lies on disk. */
  async written(): Promise<void> {
    for (const part of this.#unwritten) await this.#write(part)
    this.#unwritten = this.#unwritten.filter(({ ended }) => !ended)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const handle of this.#handles.splice(0)) await handle.close()
  }

  async #write(part: Part): Promise<void> {
    part.handle ??= await this.#create()
    for (const chunk of part.chunks.splice(0)) await writeAll(part.handle, chunk)
    if (!part.ended) return
    const { name: field, fileName = '', type } = part.head
    this.files.push({ field, fileName, type, bytes: part.bytes, fd: part.handle.fd })
  }

  async #create(): Promise<FileHandle> {
    const handle = await openUnnamedFile(this.#folder)
    this.#handles.push(handle)
    return handle
  }

  #current(): Part {
    if (this.#part === undefined) throw new Error('Expected a part to have begun')
    return this.#part
  }

  #boundFile({ bytes }: Part): void {
    const { maxFileBytes } = this.#limits
    if (bytes > maxFileBytes)
      throw new EngineError('too-large', `Expected a file of at most ${maxFileBytes} bytes, received more`)
  }

  #boundField({ bytes, head }: Part, more: number): void {
    this.#fieldsBytes += more
    if (bytes <= maxFieldBytes && this.#fieldsBytes <= maxFieldsBytes) return
    throw new EngineError(
      'too-large',
      `Expected at most ${maxFieldBytes} bytes in the field ${head.name}, received more`,
    )
  }
}
