import { afterEach, describe, expect, it } from 'vitest'
import type { EngineError } from '../../engine/errors.ts'
import { client, never, readAnswer, say } from '../support/hailo-language.ts'
import { createLanguage, endLanguage, held } from '../support/language-engine.ts'
import { done, ScriptedLanguage } from '../support/scripted-backend.ts'
import { until } from '../support/wait.ts'

afterEach(endLanguage)

describe('turns of language models', () => {
  it('lets one answer run at a time, the urgent before the others, and tells how long each has waited', async () => {
    const backend = new ScriptedLanguage('llama', [{ name: 'a' }])
    const { begun, script } = held()
    backend.script = script
    const { engine } = await createLanguage([backend])
    const ask = (content: string, priority: 'realtime' | 'interactive' | 'batch') =>
      readAnswer(engine.generate('a', say(content), { priority, user: content }, never))
    const answers = [ask('first', 'interactive')]
    await until('the first to begin', () => begun.length === 1)
    answers.push(ask('job', 'batch'), ask('request', 'interactive'), ask('voice', 'realtime'))
    await until('all to wait', async () => (await engine.find('a')).state === 'loaded')
    for (let i = 0; i < 4; i++) {
      await until('the next to begin', () => begun.length === i + 1)
      begun[i]?.go()
    }
    const usages = (await Promise.all(answers)).map(({ usage }) => usage)
    expect(begun.map(({ content }) => content)).toEqual(['first', 'voice', 'request', 'job'])
    expect(usages[1]?.queuedMs).toBeGreaterThan(usages[3]?.queuedMs ?? Number.NaN)
    expect(usages.slice(1).map(({ loadMs }) => loadMs)).toEqual([0, 0, 0])
  })

  it('refuses as busy what comes when 128 wait already, and answers those', async () => {
    const backend = new ScriptedLanguage('llama', [{ name: 'a' }])
    const { begun, script } = held()
    backend.script = script
    const { ask } = await createLanguage([backend])
    const answers = Array.from({ length: 136 }, () =>
      ask('a').then(
        () => 'answered',
        (error: EngineError) => error.code,
      ),
    )
    for (let i = 0; i < 129; i++) {
      await until('the next to begin', () => begun.length > i)
      begun[i]?.go()
    }
    const outcomes = await Promise.all(answers)
    expect(outcomes.filter((outcome) => outcome === 'busy')).toHaveLength(7)
    expect(outcomes.filter((outcome) => outcome === 'answered')).toHaveLength(129)
  })

  it('aborts an answer whose reader leaves, and gives its place on only when nothing works for it any more', async () => {
    const backend = new ScriptedLanguage('llama', [{ name: 'a' }])
    const { begun, script } = held()
    backend.script = script
    const { engine, residency } = await createLanguage([backend])
    const answer = engine.generate('a', say('Hi'), client, never)
    expect((await answer.next()).value).toMatchObject({ text: 'a' })
    await until('it to wait', () => begun.length === 1)
    expect(residency.statusOf('a').users).toEqual([client.user])
    await answer.return()
    await until('the model to be free', () => residency.statusOf('a').users.length === 0)
    expect(begun[0]?.aborted).toBe(true)
  })

  it('ends at once for a caller who gives up, although the work goes on', async () => {
    const backend = new ScriptedLanguage('llama', [{ name: 'a' }])
    let end: () => void = () => undefined
    backend.script = async function* () {
      yield { type: 'text', text: 'a', tokens: 1 }
      await new Promise<void>((resolve) => {
        end = resolve
      })
    }
    const { engine, residency } = await createLanguage([backend])
    const leaving = new AbortController()
    const answer = engine.generate('a', say('Hi'), client, leaving.signal)
    await answer.next()
    leaving.abort()
    await expect(answer.next()).rejects.toMatchObject({ code: 'cancelled' })
    expect(residency.statusOf('a').users).toEqual([client.user])
    end()
    await until('the model to be free', () => residency.statusOf('a').users.length === 0)
  })

  it('lets a slow reader have the whole answer in fewer pieces, and holds up nobody for it', async () => {
    const backend = new ScriptedLanguage('llama', [{ name: 'a' }])
    backend.script = async function* () {
      for (let i = 0; i < 5000; i++) yield { type: 'text', text: `${i} `, tokens: 1 }
      yield done(5000)
    }
    const { engine, residency } = await createLanguage([backend])
    const answer = engine.generate('a', say('Hi'), client, never)
    const first = await answer.next()
    await until('the model to be free', () => residency.statusOf('a').users.length === 0)
    const { events, text } = await readAnswer(answer)
    expect(`${first.value?.type === 'text' && first.value.text}${text}`.split(' ')).toHaveLength(5001)
    expect(events.length).toBeLessThan(200)
  })

  it('loads a model again whose host died while a request waited for it', async () => {
    const backend = new ScriptedLanguage('llama', [{ name: 'a' }])
    const { begun, script } = held()
    backend.script = script
    const { ask } = await createLanguage([backend])
    const answers = [ask('a')]
    await until('the first to begin', () => begun.length === 1)
    answers.push(ask('a'))
    backend.loaded.clear()
    begun[0]?.go()
    await until('the second to begin', () => begun.length === 2)
    begun[1]?.go()
    await Promise.all(answers)
    expect(backend.log).toEqual(['load a', 'load a'])
  })

  it('loads before anybody asks, once, and unloads what nobody uses', async () => {
    const backend = new ScriptedLanguage('llama', [{ name: 'a', aliases: ['a:1b'] }])
    const { begun, script } = held()
    backend.script = script
    const { engine, ask } = await createLanguage([backend])
    expect(await engine.load('a:1b', client, never)).toBeGreaterThan(0)
    expect(await engine.load('a:1b', client, never)).toBe(0)
    const answer = ask('a')
    await until('it to begin', () => begun.length === 1)
    await expect(engine.unload('a:1b')).rejects.toMatchObject({ code: 'conflict' })
    begun[0]?.go()
    await answer
    await engine.unload('a:1b')
    expect(backend.log).toEqual(['load a', 'unload a'])
  })

  it('ends what runs and refuses what waits when it is closed', async () => {
    const backend = new ScriptedLanguage('llama', [{ name: 'a' }])
    const { begun, script } = held()
    backend.script = script
    const { engine, ask } = await createLanguage([backend])
    const outcomes = [ask('a'), ask('a')].map((answer) => answer.catch((error: EngineError) => error.code))
    await until('the first to begin', () => begun.length === 1)
    await engine[Symbol.asyncDispose]()
    for (const outcome of outcomes) expect(['cancelled', 'closed']).toContain(await outcome)
    expect(backend.log.at(-1)).toBe('closed')
  })
})
