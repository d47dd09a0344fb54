const alignment = 32
const [textType, arrayType] = [8, 9]
const sizes: Readonly<Record<number, number>> = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 }

/** The GGUF file with these texts added to its header; weights stay as they are. */
export function withTexts(file: Buffer, texts: Readonly<Record<string, string>>): Buffer {
  const tensors = Number(file.readBigUInt64LE(8))
  const entries = Number(file.readBigUInt64LE(16))
  let at = 24
  for (let i = 0; i < entries; i++) at = skipValue(file, skipText(file, at))
  const entriesEnd = at
  for (let i = 0; i < tensors; i++) at = skipTensor(file, at)
  const added = Object.entries(texts).map(([key, text]) => Buffer.concat([toText(key), toWord(textType), toText(text)]))
  const start = Buffer.from(file.subarray(0, 24))
  start.writeBigUInt64LE(BigInt(entries + added.length), 16)
  const header = Buffer.concat([start, file.subarray(24, entriesEnd), ...added, file.subarray(entriesEnd, at)])
  return Buffer.concat([header, Buffer.alloc(aligned(header.length) - header.length), file.subarray(aligned(at))])
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / alignment) * alignment
}

function skipText(file: Buffer, at: number): number {
  return at + 8 + Number(file.readBigUInt64LE(at))
}

/** A type and a value. */
function skipValue(file: Buffer, at: number): number {
  const type = file.readUInt32LE(at)
  if (type === textType) return skipText(file, at + 4)
  if (type !== arrayType) return at + 4 + (sizes[type] ?? 0)
  const element = file.readUInt32LE(at + 4)
  const length = Number(file.readBigUInt64LE(at + 8))
  if (element !== textType) return at + 16 + length * (sizes[element] ?? 0)
  let end = at + 16
  for (let i = 0; i < length; i++) end = skipText(file, end)
  return end
}

/** A name, its sides, a type and a place. */
function skipTensor(file: Buffer, at: number): number {
  const sides = skipText(file, at)
  return sides + 4 + 8 * file.readUInt32LE(sides) + 4 + 8
}

function toText(text: string): Buffer {
  const bytes = Buffer.from(text)
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(bytes.length))
  return Buffer.concat([length, bytes])
}

function toWord(value: number): Buffer {
  const word = Buffer.alloc(4)
  word.writeUInt32LE(value)
  return word
}
