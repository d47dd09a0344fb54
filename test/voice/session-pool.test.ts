import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { EngineError } from '../../engine/errors.ts'
import { SessionPool } from '../../engine/voice/session-pool.ts'
import type { VoiceOutput } from '../../engine/voice/voice-output.ts'
import { RealtimeTrial } from '../support/realtime-trial.ts'
import { VoiceStages } from '../support/voice-stages.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Hears everything at once. */
const swift: VoiceOutput = {
  notice: () => undefined,
  play: async () => undefined,
  hold: () => undefined,
  resume: () => undefined,
  flush: async () => 0,
}

function createPool(limit = 2) {
  const stages = new VoiceStages()
  const { speech, language } = stages
  return {
    stages,
    pool: new SessionPool({ speech, language, limit, onTrouble: (error) => expect.fail(String(error)) }),
  }
}

describe('R4: as many sessions as may be', () => {
  it('refuse the next one at once, and let it in when one has ended', async () => {
    const { pool } = createPool()
    const [first] = await Promise.all([pool.open(swift, { user: 'a' }), pool.open(swift, { user: 'b' })])
    await expect(pool.open(swift, { user: 'c' })).rejects.toMatchObject({ code: 'busy' })
    await first[Symbol.asyncDispose]()
    await first[Symbol.asyncDispose]()
    const third = await pool.open(swift, { user: 'c' })
    expect(pool.size).toBe(2)
    expect(third.id).not.toBe(first.id)
    await pool[Symbol.asyncDispose]()
    expect(pool.size).toBe(0)
  })

  it('tell clients of the protocol session_limit_reached within 100 ms, and close', async () => {
    const { pool, stages } = createPool(1)
    const first = await RealtimeTrial.open({ pool, stages })
    const second = new RealtimeTrial({ pool, stages })
    await second.pass(100)
    expect(second.heard).toMatchObject([{ type: 'error', error: { code: 'session_limit_reached' } }])
    expect(second.ended).toMatchObject({ code: 1013 })
    await first.close()
    const third = await RealtimeTrial.open({ pool, stages })
    expect(third.types()).toEqual(['session.created'])
    await third.close()
  })
})

describe('P3: a session whose models cannot be loaded', () => {
  it('is an error and a close with 1011, and no dead session', async () => {
    const { pool, stages } = createPool()
    stages.failing.set('load', new EngineError('unavailable', 'Expected room for the model, found none'))
    const trial = await RealtimeTrial.open({ pool, stages })
    expect(trial.heard).toMatchObject([
      { type: 'error', error: { code: 'model_load_error', message: 'Expected room for the model, found none' } },
    ])
    expect(trial.ended).toMatchObject({ code: 1011 })
    await trial.close()
    expect(pool.size).toBe(0)
  })

  it('is not begun while they load: what the client sends meanwhile is heeded after session.created', async () => {
    const { pool, stages } = createPool()
    let go: (value: number) => void = () => undefined
    const loading = new Promise<number>((resolve) => (go = resolve))
    const language = { ...stages.language, load: () => loading }
    const slow = new SessionPool({ speech: stages.speech, language, limit: 1, onTrouble: () => undefined })
    const trial = new RealtimeTrial({ pool: slow, stages })
    trial.update({ instructions: 'Early.' })
    await trial.pass(5000)
    expect(trial.heard).toEqual([])
    go(5000)
    await trial.pass(1)
    expect(trial.types()).toEqual(['session.created', 'session.updated'])
    await trial.close()
    await pool[Symbol.asyncDispose]()
  })

  it('is given up when its client leaves before', async () => {
    const stages = new VoiceStages()
    const language = { ...stages.language, load: () => new Promise<number>(() => undefined) }
    const pool = new SessionPool({ speech: stages.speech, language, limit: 1, onTrouble: () => undefined })
    const trial = new RealtimeTrial({ pool, stages })
    await trial.pass(10)
    await trial.close()
    expect(pool.size).toBe(0)
  })
})

describe('the end of the pool', () => {
  it('ends every session within half a second, and opens none any more', async () => {
    const { pool, stages } = createPool()
    const session = await pool.open(swift, { user: 'a' })
    stages.hanging.add('language')
    session.tell({ type: 'say', text: 'Hello?' })
    await vi.advanceTimersByTimeAsync(100)
    expect(stages.working).toMatchObject({ generations: 1, detections: 1 })
    const closed = pool[Symbol.asyncDispose]()
    await vi.advanceTimersByTimeAsync(500)
    await closed
    expect(stages.working).toEqual({ detections: 0, streams: 0, generations: 0, voices: 0 })
    expect(() => session.push(new Int16Array(10), 16_000)).toThrow('has ended')
    await expect(pool.open(swift, { user: 'b' })).rejects.toMatchObject({ code: 'closed' })
  })
})

describe('L2: speech', () => {
  it.each([
    ['a fast voice', { firstToken: 200, token: 100, voice: 100 }],
    ['a slow voice', { firstToken: 200, token: 20, voice: 700 }],
  ])('of a clause is made while the next one is written: %s', async (_, delays) => {
    const { pool, stages } = createPool()
    stages.delays = { recognise: 0, ...delays }
    const sentences = Array.from({ length: 8 }, (_, i) => [`Sentence `, `number `, `${i}. `]).flat()
    stages.answers = [sentences]
    const ended: number[] = []
    const output = {
      ...swift,
      notice: ({ type }: { readonly type: string }) => type === 'response-ended' && ended.push(performance.now()),
    } as VoiceOutput
    const session = await pool.open(output, { user: 'a' })
    const begun = performance.now()
    session.tell({ type: 'say', text: 'Speak.' })
    await vi.advanceTimersByTimeAsync(20_000)
    const [written, spoken] = [delays.firstToken + sentences.length * delays.token, 8 * delays.voice]
    const first = delays.firstToken + 3 * delays.token
    const total = (ended[0] ?? Number.POSITIVE_INFINITY) - begun
    // What cannot overlap: the first clause is written before it is spoken, or the last one spoken after it is written.
    expect(total).toBeLessThanOrEqual(Math.max(written + delays.voice, first + spoken) + 20)
    await pool[Symbol.asyncDispose]()
  })
})
