import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { RealtimeTrial } from '../../support/realtime-trial.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const say = (text: string, more: object = {}) => ({
  type: 'conversation.item.create',
  item: { type: 'message', role: 'user', content: [{ type: 'input_text', text }], ...more },
})
const errorOf = (trial: RealtimeTrial) => trial.last('error').error
const idsOf = (trial: RealtimeTrial, type: string) => trial.all(type).map(({ item }) => (item as { id: string }).id)

describe('P7: the conversation', () => {
  it('takes items at its end, at its front and behind another, and lets go of them', async () => {
    const trial = await RealtimeTrial.open()
    trial.send(say('one', { id: 'one' }))
    trial.send({ ...say('zero', { id: 'zero' }), previous_item_id: 'root' })
    trial.send({ ...say('half', { id: 'half' }), previous_item_id: 'zero' })
    trial.send({ ...say('two', { id: 'two' }), previous_item_id: null })
    expect(trial.all('conversation.item.added').map(({ previous_item_id }) => previous_item_id)).toEqual([
      null,
      null,
      'zero',
      'one',
    ])
    expect(idsOf(trial, 'conversation.item.done')).toEqual(['one', 'zero', 'half', 'two'])
    trial.send({ type: 'conversation.item.delete', item_id: 'half' })
    expect(trial.last('conversation.item.deleted').item_id).toBe('half')
    trial.send({ type: 'conversation.item.retrieve', item_id: 'two' })
    expect(trial.last('conversation.item.retrieved').item).toMatchObject({
      id: 'two',
      content: [{ type: 'input_text', text: 'two' }],
    })
    trial.send({ type: 'response.create' })
    await trial.pass(1000)
    expect(trial.stages.requests[0]?.input).toMatchObject({ messages: [{ content: 'zero\none\ntwo' }] })
    await trial.close()
  })

  it('takes sound by hand, an odd byte and a split sample among it, and large pieces', async () => {
    const trial = await RealtimeTrial.open()
    trial.update({ audio: { input: { turn_detection: null } } })
    const bytes = Buffer.from(new Int16Array(24_000 * 20).fill(8000).buffer)
    for (const [from, to] of [
      [0, 1],
      [1, 4],
      [4, 4801],
      [4801, bytes.length],
    ] as const)
      trial.send({ type: 'input_audio_buffer.append', audio: bytes.subarray(from, to).toString('base64') })
    trial.send({ type: 'input_audio_buffer.commit' })
    await trial.pass(2000)
    const [heard] = trial.stages.heard
    expect(heard?.length).toBe(20 * 16_000)
    // Away from the ends, where the filter swings in.
    expect(heard?.slice(1000, -1000).every((value) => Math.abs(value - 8000 / 32_768) < 0.001)).toBe(true)
    await trial.close()
  })

  it('forgets sound that is cleared', async () => {
    const trial = await RealtimeTrial.open()
    trial.update({ audio: { input: { turn_detection: null } } })
    trial.append(new Int16Array(24_000))
    trial.send({ type: 'input_audio_buffer.clear' })
    trial.send({ type: 'input_audio_buffer.commit' })
    await trial.pass(100)
    expect(trial.last('input_audio_buffer.cleared')).toBeDefined()
    expect(errorOf(trial)).toMatchObject({ code: 'input_audio_buffer_commit_empty' })
    await trial.close()
  })
})
