import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { EngineError } from '../../engine/errors.ts'
import {
  client,
  createHailoLanguage,
  type HailoLanguageSetup,
  never,
  type ReadAnswer,
  readAnswer,
  say,
} from '../support/hailo-language.ts'
import { standinIsBuilt } from '../support/standin.ts'
import { until } from '../support/wait.ts'

const qwen = 'qwen2.5-1.5b-instruct'
const coder = 'qwen2.5-coder-1.5b-instruct'
const unavailable = { code: 'unavailable' }

describe.skipIf(!standinIsBuilt())('faults of the Hailo device under a language model', () => {
  let setup: HailoLanguageSetup

  beforeEach(async () => {
    const deadlines = { firstTokenMs: 4000, tokenMs: 1500, callMs: 4000 }
    setup = await createHailoLanguage({ pinned: [coder], deadlines })
  })
  afterEach(async () => {
    await setup[Symbol.asyncDispose]()
  })

  const ask = (content: string, name = qwen) => readAnswer(setup.engine.generate(name, say(content), client, never))

  /** A request that comes again while it is told to. */
  const askUntilAnswered = () =>
    until<ReadAnswer>('an answer', () => ask('count to 2').catch((error: unknown) => retry(error)), 30_000)

  /** A long answer that has begun. */
  async function begin() {
    const answer = setup.engine.generate(qwen, say('count to 1400'), client, never)
    await answer.next()
    return answer
  }

  it('ends an answer as unavailable when its host is killed, and answers the next request by a new one', async () => {
    const answer = begin()
    await answer
    const { pid } = setup.host.status
    process.kill(pid!, 'SIGKILL')
    await expect(readAnswer(await answer)).rejects.toMatchObject(unavailable)
    expect((await ask('count to 2')).text).toBe('[stand-in] 1 2')
    expect(setup.host.status.pid).not.toBe(pid)
  })

  it('replaces its host when the link of a generation is cut, and answers the next request', async () => {
    await ask('count to 2')
    const { pid } = setup.host.status
    setup.standin.control('cut-tokens', { after: 5 })
    await expect(ask('count to 100')).rejects.toMatchObject(unavailable)
    expect((await askUntilAnswered()).text).toBe('[stand-in] 1 2')
    expect(setup.host.status.pid).not.toBe(pid)
  })

  it('replaces its host when the device hangs at a token, and answers once the device goes on', async () => {
    await ask('count to 2')
    const { pid } = setup.host.status
    setup.standin.control('hang-tokens', { after: 5 })
    await expect(ask('count to 100')).rejects.toMatchObject(unavailable)
    setup.standin.control('resume')
    expect((await askUntilAnswered()).text).toBe('[stand-in] 1 2')
    expect(setup.host.status.pid).not.toBe(pid)
  })

  it('says that the device is away when it dies, and answers once it is back', async () => {
    const answer = await begin()
    await setup.standin.end()
    await expect(readAnswer(answer)).rejects.toMatchObject(unavailable)
    await expect(ask('count to 2')).rejects.toMatchObject(unavailable)
    await setup.standin.start()
    expect((await askUntilAnswered()).text).toBe('[stand-in] 1 2')
  })

  it('notices between two requests that the device is gone, and the next one has a new one', async () => {
    await ask('count to 2')
    const { pid } = setup.host.status
    await setup.standin.end()
    await until('the loss to be noticed', async () => (await setup.engine.find(qwen)).state !== 'loaded')
    await setup.standin.start()
    await until('the next host', () => setup.host.status.state === 'up' && setup.host.status.pid !== pid)
    expect((await askUntilAnswered()).text).toBe('[stand-in] 1 2')
  })

  it('offers a model as failed, with the reason, while the device is away', async () => {
    await setup.standin.end()
    await expect(ask('count to 2')).rejects.toMatchObject(unavailable)
    const found = await until('the state failed', async () => {
      const status = await setup.engine.find(qwen)
      return status.state === 'failed' && status
    })
    expect(found.why).toContain('HAILO_CONNECTION_REFUSED')
  })

  it('ends every request of 20 clients, of whom some leave, while its host is killed twice, and holds nothing afterwards', async () => {
    const outcomes: string[] = []
    const request = async (i: number) => {
      const leaving = new AbortController()
      const answer = setup.engine.generate(qwen, say(`count to ${5 + i}`), client, leaving.signal)
      try {
        for await (const event of answer) {
          if (i % 5 === 0) break
          if (i % 5 === 1) leaving.abort()
          if (event.type === 'done') outcomes.push('answered')
        }
      } catch (error) {
        outcomes.push((error as EngineError).code)
      }
    }
    const clients = Array.from({ length: 20 }, async (_, i) => {
      for (let round = 0; round < 2; round++) await request(i)
    })
    for (const count of [4, 12]) {
      await until('some answers', () => outcomes.length >= count, 60_000)
      if (setup.host.status.pid !== null) process.kill(setup.host.status.pid, 'SIGKILL')
    }
    await Promise.all(clients)
    expect(outcomes.filter((outcome) => !['answered', 'cancelled', 'unavailable'].includes(outcome))).toEqual([])
    expect(outcomes.filter((outcome) => outcome === 'answered').length).toBeGreaterThan(10)
    await until('nobody to use the model', () => setup.residency.statusOf(qwen).users.length === 0)
    expect([setup.lent(), (await askUntilAnswered()).text]).toEqual([0, '[stand-in] 1 2'])
  })

  it('refuses a second model while the first is in use, names who has the place, and lets the first go on', async () => {
    const answer = await begin()
    await expect(ask('count to 2', coder)).rejects.toMatchObject({
      code: 'busy',
      message: expect.stringContaining(`${qwen}`),
    })
    expect((await answer.next()).value).toMatchObject({ type: 'text' })
    await answer.return()
  })

  it('lets an idle model go for another one, but never a pinned one, which comes back after its host died', async () => {
    await ask('count to 2')
    expect((await ask('count to 2', coder)).text).toBe('[stand-in] 1 2')
    expect(setup.events).toContainEqual(expect.objectContaining({ what: 'unloaded', why: 'evicted' }))
    await expect(ask('count to 2')).rejects.toMatchObject({ code: 'busy', message: expect.stringContaining('pinned') })
    process.kill(setup.host.status.pid!, 'SIGKILL')
    await until('the host to be gone', async () => (await setup.engine.find(coder)).state !== 'loaded')
    await until('the pinned model to be back', async () => (await setup.engine.find(coder)).state === 'loaded', 20_000)
  })

  it('takes the next request after one that was aborted while its prompt was read, without losing its host', async () => {
    const long = 'word '.repeat(1200)
    const leaving = new AbortController()
    const answer = readAnswer(setup.engine.generate(qwen, say(long), client, leaving.signal))
    await until('the prompt to be read', () => (setup.standin.control('state').sessions as number) > 0)
    leaving.abort()
    await expect(answer).rejects.toMatchObject({ code: 'cancelled' })
    expect((await ask('count to 2')).text).toBe('[stand-in] 1 2')
    expect(setup.host.status.restarts).toBe(0)
  })
})

/** Undefined while the answer is that it can be tried again. */
function retry(error: unknown): undefined {
  expect(error).toMatchObject(unavailable)
}
