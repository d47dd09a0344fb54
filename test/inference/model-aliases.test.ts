import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AliasedLanguage } from '../../engine/inference/aliased-language.ts'
import { ModelAliases } from '../../engine/inference/model-aliases.ts'
import { ScriptedLanguage } from '../support/scripted-language.ts'

const never = new AbortController().signal
const use = { priority: 'interactive', user: 'test' } as const

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hailstream-aliases-'))
})
afterEach(() => rm(folder, { recursive: true }))

describe('names that clients gave', () => {
  it('last beyond the process, with and without the tag latest, until they are taken away', async () => {
    const aliases = new ModelAliases(folder)
    expect(await aliases.list()).toEqual([])
    await Promise.all([aliases.set('mine:latest', 'm'), aliases.set('user/own:q4', 'm'), aliases.set('mine', 'n')])
    const again = new ModelAliases(folder)
    expect(await again.list()).toEqual([
      { name: 'mine', model: 'n' },
      { name: 'user/own:q4', model: 'm' },
    ])
    expect([await again.modelOf('mine:latest'), await again.modelOf('m')]).toEqual(['n', undefined])
    expect([await again.remove('mine:latest'), await again.remove('mine')]).toEqual([true, false])
    expect(await new ModelAliases(folder).list()).toEqual([{ name: 'user/own:q4', model: 'm' }])
  })

  it.each(['', ' ', 'a b', '../a', '-a', 'a:b:c', 'a/', '__proto__'])('are not %j', (name) => {
    expect(() => new ModelAliases(folder).set(name, 'm')).toThrow('Expected a name such as')
  })

  it('in a broken file are named, and not written over', async () => {
    const path = join(folder, 'model-aliases.json')
    await writeFile(path, '{"mine": 7}')
    const aliases = new ModelAliases(folder)
    await expect(aliases.set('other', 'm')).rejects.toMatchObject({ code: 'unavailable' })
    expect(await readFile(path, 'utf8')).toBe('{"mine": 7}')
    await writeFile(path, '{"mine": "m"}')
    expect(await aliases.modelOf('mine')).toBe('m')
  })
})

describe('language models by those names', () => {
  it('are found, asked, loaded and unloaded, and show them', async () => {
    const aliases = new ModelAliases(folder)
    await aliases.set('mine', 'm')
    const inner = new ScriptedLanguage([{ name: 'm', aliases: ['qwen2.5:1.5b'] }, { name: 'n:latest' }])
    const language = new AliasedLanguage(inner, aliases)
    const names = ['mine', 'mine:latest', 'm', 'm:latest', 'qwen2.5:1.5b', 'n', 'n:latest', undefined]
    const found = await Promise.all(names.map(async (name) => (await language.find(name)).name))
    expect(found).toEqual(['m', 'm', 'm', 'm', 'm', 'n:latest', 'n:latest', 'm'])
    await expect(language.find('x')).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringMatching(/received x$/),
    })
    expect((await language.status()).map((status) => status.aliases)).toEqual([['qwen2.5:1.5b', 'mine'], []])
    const said: string[] = []
    const request = { input: { prompt: 'a b' }, sampling: {} }
    for await (const event of language.generate('mine', request, use, never)) said.push(event.type)
    expect(said).toEqual(['text', 'text', 'done'])
    expect((await language.embed('mine', ['a'], use, never)).vectors).toHaveLength(1)
    await language.unload('mine')
    expect(await language.load('mine:latest', use, never)).toBeGreaterThan(0)
    expect(inner.log).toEqual(['load m', 'unload m', 'load m'])
  })

  it('are left as soon as their reader leaves', async () => {
    const inner = new ScriptedLanguage([{ name: 'm' }])
    const language = new AliasedLanguage(inner, new ModelAliases(folder))
    for await (const _ of language.generate('m', { input: { prompt: 'a b c' }, sampling: {} }, use, never)) break
    expect([inner.running, inner.aborted]).toEqual([0, 1])
  })
})
