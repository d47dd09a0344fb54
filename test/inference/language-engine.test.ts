import { afterEach, describe, expect, it } from 'vitest'
import { EngineError } from '../../engine/errors.ts'
import { client, never, readAnswer, say } from '../support/hailo-language.ts'
import { createLanguage, endLanguage } from '../support/language-engine.ts'
import { ScriptedLanguage } from '../support/scripted-backend.ts'
import { until } from '../support/wait.ts'

afterEach(endLanguage)

describe('LanguageEngine', () => {
  it('runs a model by the first backend that can, and says why not by the others', async () => {
    const first = new ScriptedLanguage('hailo', [{ name: 'both', state: 'failed', why: 'no device' }, { name: 'one' }])
    const second = new ScriptedLanguage('llama', [{ name: 'both', aliases: ['both:1b'] }])
    const { engine, ask } = await createLanguage([first, second])
    expect((await ask('both:1b')).text).toBe('Hello')
    expect([first.log, second.log]).toEqual([[], ['load both']])
    const [both, one] = await engine.status()
    expect(both).toMatchObject({ backend: 'llama', state: 'loaded', memoryBytes: 100 })
    expect(both?.why).toBe('not by hailo: no device; found in a test')
    expect(one).toMatchObject({ backend: 'hailo', state: 'available', memoryBytes: null })
  })

  it('takes up a backend that has come, and keeps apart what each has loaded', async () => {
    const both = { name: 'both', state: 'failed' as 'failed' | 'available' }
    const first = new ScriptedLanguage('hailo', [both], { memory: 'device' })
    const second = new ScriptedLanguage('llama', [{ name: 'both' }])
    const { engine, ask } = await createLanguage([first, second])
    await ask('both')
    both.state = 'available'
    await until('the first to be taken', async () => (await engine.find('both')).backend === 'hailo')
    await ask('both')
    expect([first.log, second.log]).toEqual([['load both'], ['load both']])
    await engine.unload('both')
    expect([first.loaded.size, second.loaded.size]).toEqual([0, 0])
  })

  it('says what to pull for a model that is not here, and when there is none at all', async () => {
    const missing = { state: 'missing', why: 'a.gguf is not in models.paths' } as const
    const { engine, ask } = await createLanguage([new ScriptedLanguage('llama', [{ name: 'a', ...missing }])])
    const message = expect.stringContaining('models pull a')
    await expect(ask('a')).rejects.toMatchObject({ code: 'unavailable', message })
    await expect(ask()).rejects.toMatchObject({ code: 'unavailable', message })
    await expect(engine.find('b')).rejects.toMatchObject({ code: 'not-found' })
  })

  it('takes for no name the model that was used last, else the first that is here', async () => {
    const backend = new ScriptedLanguage('llama', [{ name: 'a' }, { name: 'b' }])
    const { engine, ask } = await createLanguage([backend])
    expect((await engine.find(undefined)).name).toBe('a')
    await ask('b')
    expect((await engine.find(undefined)).name).toBe('b')
  })

  it('refuses before anything is loaded what the model cannot do', async () => {
    const capabilities = {
      chat: true,
      completion: false,
      embedding: false,
      vision: false,
      tools: false,
      thinking: false,
      schema: false,
    }
    const backend = new ScriptedLanguage('llama', [{ name: 'a', capabilities }])
    const { engine } = await createLanguage([backend])
    const answer = readAnswer(engine.generate('a', say('Hi', { format: 'json' }), client, never))
    await expect(answer).rejects.toMatchObject({ code: 'invalid', message: expect.stringContaining('format') })
    await expect(engine.embed('a', ['x'], client, never)).rejects.toMatchObject({ code: 'invalid' })
    expect(backend.log).toEqual([])
  })

  it('brings back after the death of a host what is pinned, and nothing else', async () => {
    const backend = new ScriptedLanguage('llama', [{ name: 'a' }, { name: 'b' }])
    const { ask } = await createLanguage([backend], { pinned: ['b'] })
    await ask('a')
    await ask('b')
    backend.lose()
    await until('the pinned one to be back', () => backend.loaded.has('b'))
    expect(backend.log).toEqual(['load a', 'load b', 'load b'])
  })

  it('makes room by models that nobody uses, and one place by whoever has it', async () => {
    const host = new ScriptedLanguage('llama', [{ name: 'a' }, { name: 'b' }, { name: 'c' }])
    const device = new ScriptedLanguage('hailo', [{ name: 'x' }, { name: 'y' }], { memory: 'device', exclusive: true })
    const { ask } = await createLanguage([host, device])
    for (const name of ['a', 'b', 'c', 'x', 'y']) await ask(name)
    expect([...host.loaded]).toEqual(['b', 'c'])
    expect(device.log).toEqual(['load x', 'unload x', 'load y'])
  })

  it('does not try a broken file again until it has changed', async () => {
    const broken = { name: 'a', modifiedAt: 1 }
    const backend = new ScriptedLanguage('llama', [broken])
    backend.failures.set('a', new EngineError('invalid', 'Expected a GGUF file'))
    const { engine, ask } = await createLanguage([backend])
    await expect(ask('a')).rejects.toMatchObject({ code: 'invalid' })
    await expect(ask('a')).rejects.toMatchObject({ code: 'unavailable', message: 'Expected a GGUF file' })
    expect(await engine.find('a')).toMatchObject({ state: 'failed', why: 'Expected a GGUF file' })
    broken.modifiedAt = 2
    await until('the file to be tried again', () =>
      ask('a').then(
        () => true,
        () => false,
      ),
    )
  })

  it('keeps a model for as long as somebody says, by whichever name', async () => {
    const backend = new ScriptedLanguage('llama', [{ name: 'a', aliases: ['a:1b'] }])
    const { engine, ask } = await createLanguage([backend])
    await ask('a:1b')
    engine.keepAlive('a:1b', 60)
    const { expiresAt } = await engine.find('a')
    expect(Math.abs((expiresAt ?? 0) - Date.now() - 60_000)).toBeLessThan(5000)
    engine.keepAlive('a:1b', 0)
    await until('it to be unloaded', () => backend.log.includes('unload a'))
  })

  it('leaves the models of a server to it', async () => {
    const backend = new ScriptedLanguage('server', [{ name: 'far' }], { memory: null })
    const { engine, residency, ask } = await createLanguage([backend])
    expect((await ask('far')).text).toBe('Hello')
    expect(residency.status()).toEqual([])
    expect(await engine.find('far')).toMatchObject({ state: 'loaded', memoryBytes: null })
    await engine.unload('far')
    expect(backend.log).toEqual(['load far', 'unload far'])
  })

  it('embeds in turn, and adds the time of loading', async () => {
    const { engine } = await createLanguage([new ScriptedLanguage('llama', [{ name: 'a' }])])
    const embeddings = await engine.embed('a', ['x', 'y'], client, never)
    expect(embeddings.vectors).toHaveLength(2)
    expect(embeddings.loadMs).toBeGreaterThan(0)
  })
})
