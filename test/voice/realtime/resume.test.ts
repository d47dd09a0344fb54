import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { KeptConversations } from '../../../engine/voice/realtime/kept-conversations.ts'
import { RealtimeTrial } from '../../support/realtime-trial.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A conversation of one question and its answer, and its id. */
async function converse(conversations: KeptConversations): Promise<string> {
  const trial = await RealtimeTrial.open({ conversations })
  trial.stages.transcripts.push('my name is Ada')
  await trial.speak(600)
  await trial.beSilent(4000)
  await trial.close()
  return (trial.last('response.done').response as { conversation_id: string }).conversation_id
}

describe('R5: a client that comes back', () => {
  it('with its conversation_id hears its items again, and goes on with them', async () => {
    const conversations = new KeptConversations()
    const id = await converse(conversations)
    const trial = await RealtimeTrial.open({ conversations, query: `conversation_id=${id}` })
    expect(trial.types().slice(0, 3)).toEqual(['session.created', 'conversation.item.added', 'conversation.item.done'])
    expect(trial.all('conversation.item.added').map(({ item }) => (item as { role: string }).role)).toEqual([
      'user',
      'assistant',
    ])
    await trial.speak(600)
    await trial.beSilent(2500)
    expect(trial.stages.requests[0]?.input).toMatchObject({
      messages: [{ content: 'my name is Ada' }, { role: 'assistant' }, { role: 'user' }],
    })
    const ids = trial.all('conversation.item.added').map(({ item }) => (item as { id: string }).id)
    expect(new Set(ids).size).toBe(4)
    expect(trial.last('response.done').response).toMatchObject({ status: 'completed', conversation_id: id })
    await trial.close()
  })

  it('too late, or with an id that nobody had, begins anew', async () => {
    const conversations = new KeptConversations({ ttlMs: 1000 })
    const id = await converse(conversations)
    await vi.advanceTimersByTimeAsync(1001)
    for (const query of [`conversation_id=${id}`, 'conversation_id=conv_nobody']) {
      const trial = await RealtimeTrial.open({ conversations, query })
      expect(trial.types()).toEqual(['session.created'])
      await trial.close()
    }
  })

  it('is not waited for without bound: the conversation that was left first is forgotten', () => {
    const conversations = new KeptConversations({ most: 2 })
    const item = { id: 'i', type: 'message', role: 'user', text: 'x' } as const
    for (const id of ['a', 'b', 'c']) conversations.keep(id, [item])
    conversations.keep('empty', [])
    expect(['a', 'b', 'c', 'empty'].map((id) => conversations.take(id)?.length)).toEqual([undefined, 1, 1, undefined])
    expect(conversations.take('b')).toBeUndefined()
  })
})
