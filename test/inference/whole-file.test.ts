import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { writeWhole } from '../../engine/inference/whole-file.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hailstream-whole-'))
})
afterEach(() => rm(folder, { recursive: true }))

describe('writing a whole file', () => {
  test('removes what a killed writer of the same file left, and nothing else', async () => {
    const leftOver = 'toy.onnx.4194305-0.partial'
    const running = `toy.onnx.${process.pid}-999.partial`
    for (const name of [leftOver, running, 'toy.onnx.backup']) await writeFile(join(folder, name), 'half')
    await writeWhole(join(folder, 'toy.onnx'), [Buffer.from('a'), Buffer.from('b')])
    expect((await readdir(folder)).sort()).toEqual(['toy.onnx', running, 'toy.onnx.backup'].sort())
    expect(await readFile(join(folder, 'toy.onnx'), 'utf8')).toBe('ab')
  })
})
