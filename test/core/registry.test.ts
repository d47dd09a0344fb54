import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { byName, loadPlugins } from '../../engine/core/registry.ts'
import { PacketMaker } from '../support/packets.ts'
import { detector, HandSource } from '../support/plugins.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hailstream-registry-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const write = (file: string, text: string) => writeFileSync(join(folder, file), text)
const plugin = (name: string, type = 'node') =>
  `export default { type: '${type}', name: '${name}', summary: '', options: { safeParse() {} }, accepts: 'image', emits: 'image', create() {} }`

describe('loadPlugins', () => {
  it('takes the default export of every source file, and no other file', async () => {
    write('b.js', plugin('b', 'source'))
    write('a.js', plugin('a'))
    write('a.js.map', '{}')
    write('a.d.ts', 'export default 1')
    const plugins = await loadPlugins(folder)
    expect(plugins.map(({ name, type }) => [name, type])).toEqual([
      ['a', 'node'],
      ['b', 'source'],
    ])
  })

  it.each([
    ['whose name is not its file name', plugin('b'), 'the plug-in a, received b'],
    ['without a default export', 'export const a = 1', 'the plug-in a, received none'],
    ['of an unknown type', plugin('a', 'filter'), 'a type of source, node, sink, received filter'],
    [
      'without a schema',
      "export default { type: 'node', name: 'a' }",
      'options that are a zod schema, received undefined',
    ],
  ])('refuses a file %s', async (_, text, message) => {
    write('a.js', text)
    await expect(loadPlugins(folder)).rejects.toMatchObject({
      code: 'invalid',
      message: `${join(folder, 'a.js')}: Expected its default export to have ${message}`,
    })
  })
})

describe('byName', () => {
  it('refuses two plug-ins of one name', () => {
    const source = new HandSource(new PacketMaker()).plugin('detect')
    expect([...byName([source]).keys()]).toEqual(['detect'])
    expect(() => byName([source, detector])).toThrow(
      expect.objectContaining({
        code: 'conflict',
        message: 'Expected plug-ins of different names, received a source and a node named detect',
      }),
    )
  })
})
