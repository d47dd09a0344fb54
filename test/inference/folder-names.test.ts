import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FolderNames } from '../../engine/inference/folder-names.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'folder-names-'))
})
afterEach(() => rm(folder, { recursive: true }))

describe('names in folders', () => {
  it('knows what is there, and what is not, as it was when it was first asked', async () => {
    await writeFile(join(folder, 'here.onnx'), 'x')
    const names = new FolderNames()
    expect(await names.mayHave(join(folder, 'here.onnx'))).toBe(true)
    expect(await names.mayHave(join(folder, 'absent.onnx'))).toBe(false)
    await writeFile(join(folder, 'absent.onnx'), 'x')
    expect(await names.mayHave(join(folder, 'absent.onnx'))).toBe(false)
    expect(await new FolderNames().mayHave(join(folder, 'absent.onnx'))).toBe(true)
  })

  it('has nothing in a folder that is not there, or is a file', async () => {
    await writeFile(join(folder, 'file'), 'x')
    const names = new FolderNames()
    expect(await names.mayHave(join(folder, 'none', 'a.onnx'))).toBe(false)
    expect(await names.mayHave(join(folder, 'file', 'a.onnx'))).toBe(false)
  })

  it('rules out nothing in a folder that it cannot list', async () => {
    await symlink(join(folder, 'loop'), join(folder, 'loop'))
    expect(await new FolderNames().mayHave(join(folder, 'loop', 'a.onnx'))).toBe(true)
  })
})
