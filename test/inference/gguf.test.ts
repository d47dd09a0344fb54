import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readGguf } from '../../engine/inference/gguf.ts'

const types = {
  u8: 0,
  i8: 1,
  u16: 2,
  i16: 3,
  u32: 4,
  i32: 5,
  f32: 6,
  bool: 7,
  text: 8,
  array: 9,
  u64: 10,
  i64: 11,
  f64: 12,
}
type Type = keyof typeof types

function number(bytes: number, value: number): Buffer {
  const part = Buffer.alloc(8)
  part.writeBigInt64LE(BigInt(value))
  return part.subarray(0, bytes)
}

function text(value: string): Buffer {
  return Buffer.concat([number(8, Buffer.byteLength(value)), Buffer.from(value)])
}

function encode(type: Type, value: number | string): Buffer {
  if (typeof value === 'string') return text(value)
  const bytes = { u8: 1, i8: 1, u16: 2, i16: 2, bool: 1, u64: 8, i64: 8, f64: 8 } as Partial<Record<Type, number>>
  return number(bytes[type] ?? 4, value)
}

/** Entries as `[key, type, value]`; an array's type is that of its elements. */
type Entry = readonly [string, Type, number | string | readonly (number | string)[]]

function header(entries: readonly Entry[]): Buffer {
  const written = entries.map(([key, type, value]) => {
    if (typeof value !== 'object') return Buffer.concat([text(key), number(4, types[type]), encode(type, value)])
    const elements = value.map((element) => encode(type, element))
    return Buffer.concat([
      text(key),
      number(4, types.array),
      number(4, types[type]),
      number(8, value.length),
      ...elements,
    ])
  })
  return Buffer.concat([Buffer.from('GGUF'), number(4, 3), number(8, 0), number(8, entries.length), ...written])
}

describe('the header of a GGUF file', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hailstream-gguf-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  async function read(bytes: Buffer) {
    const path = join(folder, 'model.gguf')
    await writeFile(path, bytes)
    return readGguf(path)
  }

  it('tells the model, whatever stands between', async () => {
    const words = Array.from({ length: 60_000 }, (_, i) => `word ${i}${'x'.repeat(i % 50 === 0 ? 3000 : 0)}`)
    const entries: Entry[] = [
      ['general.architecture', 'text', 'qwen2'],
      ['general.size_label', 'text', '1.5B'],
      ['general.license', 'text', 'apache-2.0'],
      ['general.file_type', 'u32', 15],
      ['qwen2.context_length', 'u64', 32_768],
      ...(['u8', 'i8', 'u16', 'i16', 'i32', 'f32', 'bool', 'i64', 'f64'] as const).map(
        (type) => [`x.${type}`, type, 1] as const,
      ),
      ['tokenizer.ggml.tokens', 'text', words],
      ['tokenizer.ggml.scores', 'f32', words.map(() => 0)],
      ['x.empty', 'u8', []],
      ['tokenizer.chat_template', 'text', '{{ messages }} ü'],
    ]
    expect(await read(header(entries))).toEqual({
      architecture: 'qwen2',
      contextLength: 32_768,
      chatTemplate: '{{ messages }} ü',
      embedsOnly: false,
      parameters: '1.5B',
      quantisation: 'Q4_K_M',
      licence: 'apache-2.0',
    })
  })

  it('tells a model that only embeds, by its kind or by its pooling', async () => {
    const of = async (...entries: Entry[]) => (await read(header(entries))).embedsOnly
    expect(await of(['general.architecture', 'text', 'nomic-bert'])).toBe(true)
    expect(await of(['general.architecture', 'text', 'qwen3'], ['qwen3.pooling_type', 'u32', 3])).toBe(true)
    expect(await of(['general.architecture', 'text', 'qwen3'], ['qwen3.pooling_type', 'u32', 0])).toBe(false)
  })

  it('is refused where it is none, or ends too early, or says what cannot be', async () => {
    const good = header([
      ['general.architecture', 'text', 'llama'],
      ['x.list', 'u8', [1, 2, 3]],
    ])
    for (const bytes of [0, 3, 20, 30, good.length - 1])
      await expect(read(good.subarray(0, bytes))).rejects.toMatchObject({ code: 'invalid' })
    await expect(read(Buffer.from('GGML and more than eight bytes'))).rejects.toThrow('“GGUF”')
    const endless = Buffer.from(good)
    endless.writeBigUInt64LE(2n ** 60n, 16)
    await expect(read(endless)).rejects.toThrow('entries')
    const long = Buffer.from(good)
    long.writeBigUInt64LE(2n ** 60n, 24)
    await expect(read(long)).rejects.toThrow('a text of at most')
    await expect(readGguf(join(folder, 'none.gguf'))).rejects.toThrow('ENOENT')
  })
})
