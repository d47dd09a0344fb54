import { type FileHandle, open } from 'node:fs/promises'
import { EngineError } from '../errors.ts'

/** What a GGUF file says of its model before its weights. */
export interface GgufHeader {
  /** As `llama`, `qwen2`, `nomic-bert`. */
  readonly architecture: string
  /** Tokens that it was trained on; null where the file does not say. */
  readonly contextLength: number | null
  /** Jinja; null: it has none. */
  readonly chatTemplate: string | null
  /** Whether it gives vectors and writes no text. */
  readonly embedsOnly: boolean
  /** As `1.5B`; null where the file does not say. */
  readonly parameters: string | null
  /** As `Q4_K_M`; null for one that is not known here. */
  readonly quantisation: string | null
  readonly licence: string | null
}

const chunkBytes = 1 << 17
/** No key, nor a text that is kept, is longer: a file that says so is no GGUF. */
const maxTextBytes = 1 << 20
/** Entries of a header, and elements of its arrays: the largest vocabularies have 300,000 words. */
const maxEntries = 1e5
const maxElements = 1e7

/** Bytes of a value by its type; 8 is text, 9 an array. */
const sizes: Readonly<Record<number, number>> = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 }
const [textType, arrayType] = [8, 9]

/** Of `general.file_type`, as llama.cpp numbers it. */
const fileTypes: Readonly<Record<number, string>> = {
  ...{ 0: 'F32', 1: 'F16', 2: 'Q4_0', 3: 'Q4_1', 7: 'Q8_0', 8: 'Q5_0', 9: 'Q5_1', 10: 'Q2_K', 11: 'Q3_K_S' },
  ...{ 12: 'Q3_K_M', 13: 'Q3_K_L', 14: 'Q4_K_S', 15: 'Q4_K_M', 16: 'Q5_K_S', 17: 'Q5_K_M', 18: 'Q6_K', 19: 'IQ2_XXS' },
  ...{ 20: 'IQ2_XS', 21: 'Q2_K_S', 22: 'IQ3_XS', 23: 'IQ3_XXS', 24: 'IQ1_S', 25: 'IQ4_NL', 26: 'IQ3_S', 27: 'IQ3_M' },
  ...{ 28: 'IQ2_S', 29: 'IQ2_M', 30: 'IQ4_XS', 31: 'IQ1_M', 32: 'BF16', 36: 'TQ1_0', 37: 'TQ2_0' },
}
/** Networks that read a whole text and go on with none. */
const encoders = /bert|^t5encoder$|-embedding$/

/** Reads the header of a GGUF file, in small parts. Throws `invalid` for a file that is none, or ends in it. */
export async function readGguf(path: string): Promise<GgufHeader> {
  const file = await open(path, 'r')
  try {
    return toHeader(await readEntries(new Reader(file, path)))
  } finally {
    await file.close()
  }
}

type Entries = ReadonlyMap<string, string | number>

async function readEntries(reader: Reader): Promise<Entries> {
  const magic = (await reader.take(4)).toString('latin1')
  const version = (await reader.take(4)).readUInt32LE()
  if (magic !== 'GGUF' || version < 2 || version > 3)
    throw reader.wrong(`“GGUF” and version 2 or 3, received ${JSON.stringify(magic)} and ${version}`)
  await reader.take(8)
  const count = await reader.number(10)
  if (count > maxEntries) throw reader.wrong(`at most ${maxEntries} entries, received ${count}`)
  const entries = new Map<string, string | number>()
  for (let i = 0; i < count; i++) {
    const key = await reader.text()
    const type = await reader.number(4)
    if (type === arrayType) await reader.skipArray()
    else entries.set(key, type === textType ? await reader.text() : await reader.number(type))
  }
  return entries
}

function toHeader(entries: Entries): GgufHeader {
  const text = (key: string) => {
    const value = entries.get(key)
    return typeof value === 'string' && value !== '' ? value : null
  }
  const number = (key: string) => {
    const value = entries.get(key)
    return typeof value === 'number' ? value : null
  }
  const architecture = text('general.architecture') ?? 'unknown'
  const pooling = number(`${architecture}.pooling_type`)
  return {
    architecture,
    contextLength: number(`${architecture}.context_length`),
    chatTemplate: text('tokenizer.chat_template'),
    embedsOnly: encoders.test(architecture) || (pooling !== null && pooling > 0),
    parameters: text('general.size_label'),
    quantisation: fileTypes[number('general.file_type') ?? -1] ?? null,
    licence: text('general.license'),
  }
}

/** Reads on through a file. */
class Reader {
  readonly #file: FileHandle
  readonly #path: string
  #chunk = Buffer.alloc(0)
  #at = 0

  constructor(file: FileHandle, path: string) {
    this.#file = file
    this.#path = path
  }

  async take(bytes: number): Promise<Buffer> {
    if (this.#chunk.length - this.#at < bytes) await this.#fill(bytes)
    const part = this.#chunk.subarray(this.#at, this.#at + bytes)
    this.#at += bytes
    return part
  }

  async number(type: number): Promise<number> {
    const size = sizes[type]
    if (size === undefined) throw this.wrong(`a type of value, received ${type}`)
    const bytes = await this.take(size)
    if (type === 6) return bytes.readFloatLE()
    if (type === 12) return bytes.readDoubleLE()
    if (size === 8) return Number(type === 11 ? bytes.readBigInt64LE() : bytes.readBigUInt64LE())
    return type === 1 || type === 3 || type === 5 ? bytes.readIntLE(0, size) : bytes.readUIntLE(0, size)
  }

  async text(): Promise<string> {
    const length = await this.number(10)
    if (length > maxTextBytes) throw this.wrong(`a text of at most ${maxTextBytes} bytes, received ${length}`)
    return (await this.take(length)).toString('utf8')
  }

  async skipArray(): Promise<void> {
    const type = await this.number(4)
    const length = await this.number(10)
    if (length > maxElements) throw this.wrong(`an array of at most ${maxElements} elements, received ${length}`)
    const size = sizes[type]
    if (size !== undefined) return this.#skip(size * length)
    if (type !== textType) throw this.wrong(`an array of values, received type ${type}`)
    for (let i = 0; i < length; i++) {
      // Most words lie in what was read already: waiting for each one would take longer than reading them all.
      const held = this.#heldText()
      if (!held) await this.#skip(await this.number(10))
    }
  }

  wrong(expected: string): EngineError {
    return new EngineError('invalid', `Expected a GGUF model in ${this.#path}: ${expected}. Fetch it again`)
  }

  /** Passes over a text that lies wholly in what was read. */
  #heldText(): boolean {
    const left = this.#chunk.length - this.#at
    if (left < 8) return false
    const length = Number(this.#chunk.readBigUInt64LE(this.#at))
    if (length > left - 8) return false
    this.#at += 8 + length
    return true
  }

  async #skip(bytes: number): Promise<void> {
    let left = bytes
    while (left > 0) {
      const part = Math.min(left, chunkBytes)
      await this.take(part)
      left -= part
    }
  }

  async #fill(bytes: number): Promise<void> {
    const rest = this.#chunk.subarray(this.#at)
    const more = Buffer.alloc(Math.max(chunkBytes, bytes - rest.length))
    const { bytesRead } = await this.#file.read(more, 0, more.length)
    this.#chunk = Buffer.concat([rest, more.subarray(0, bytesRead)])
    this.#at = 0
    if (this.#chunk.length < bytes) throw this.wrong('more of it, but the file ends')
  }
}
