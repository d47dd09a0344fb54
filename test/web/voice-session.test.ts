import { describe, expect, it, vi } from 'vitest'
import { encodeSamples } from '../../web/voice/base64.ts'
import { type Speaker, VoiceSession } from '../../web/voice/voice-session.ts'

type Sent = Readonly<Record<string, unknown>> & { readonly type: string }

/** A loudspeaker that was told what it has played when it is flushed. */
class FakeSpeaker implements Speaker {
  readonly orders: string[] = []
  played: readonly { readonly item: string; readonly ms: number }[] = []

  play(item: string, samples: Int16Array): void {
    this.orders.push(`play ${item} ${samples.length}`)
  }
  end(item: string): void {
    this.orders.push(`end ${item}`)
  }
  pause(): void {
    this.orders.push('pause')
  }
  resume(): void {
    this.orders.push('resume')
  }
  async flush() {
    this.orders.push('flush')
    return this.played
  }
}

function open(mode: 'hands-free' | 'push' = 'hands-free') {
  const speaker = new FakeSpeaker()
  const sent: Sent[] = []
  const sentences: string[] = []
  const session = new VoiceSession({
    mode,
    speaker,
    send: (event) => sent.push(event as Sent) > 0,
    changed: () => undefined,
    failed: (sentence) => sentences.push(sentence),
    now: () => 0,
  })
  session.take({ type: 'session.created', session: { model: 'm' } })
  const sound = () =>
    session.take({ type: 'response.output_audio.delta', item_id: 'a', delta: encodeSamples(new Int16Array(2400)) })
  const reply = () => {
    session.take({ type: 'response.created', response: { id: 'r' } })
    session.take({ type: 'response.output_audio_transcript.delta', item_id: 'a', delta: 'One two three.' })
    sound()
  }
  const cancelled = () => session.take({ type: 'response.done', response: { id: 'r', status: 'cancelled' } })
  const types = () => sent.map(({ type }) => type).filter((type) => type !== 'session.update')
  return { session, speaker, sent, sentences, sound, reply, cancelled, types }
}

/** Until what a flush brings has come. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 0))

describe('a conversation of the page', () => {
  it('pauses the loudspeaker with the first sign of speech, and truncates once the reply is cancelled', async () => {
    const { session, speaker, sent, reply, cancelled } = open()
    reply()
    speaker.played = [{ item: 'a', ms: 63.9 }]
    session.take({ type: 'input_audio_buffer.speech_started', item_id: 'u' })
    expect(speaker.orders.at(-1)).toBe('pause')
    expect(sent.at(-1)?.type).toBe('session.update')
    cancelled()
    await settled()
    expect(speaker.orders.at(-1)).toBe('flush')
    const truncate = { type: 'conversation.item.truncate', item_id: 'a', content_index: 0, audio_end_ms: 63 }
    expect(sent.at(-1)).toEqual(truncate)
  })

  it('truncates a reply that the server has ended already and that still plays', async () => {
    const { session, speaker, types, reply } = open()
    reply()
    session.take({ type: 'response.done', response: { id: 'r', status: 'completed' } })
    speaker.played = [{ item: 'a', ms: 40 }]
    session.take({ type: 'input_audio_buffer.speech_started', item_id: 'u' })
    session.take({ type: 'input_audio_buffer.speech_stopped', item_id: 'u' })
    session.take({ type: 'input_audio_buffer.committed', item_id: 'u' })
    await settled()
    expect(types()).toEqual(['conversation.item.truncate'])
  })

  it('is silent, and not only for a while, once the server has cut a reply that still plays', async () => {
    const { session, speaker, types, reply } = open()
    reply()
    session.take({ type: 'response.done', response: { id: 'r', status: 'completed' } })
    speaker.played = [{ item: 'a', ms: 40 }]
    session.take({ type: 'input_audio_buffer.speech_started', item_id: 'u' })
    session.take({ type: 'conversation.item.truncated', item_id: 'a' })
    await settled()
    expect(speaker.orders.slice(-2)).toEqual(['pause', 'flush'])
    expect(types()).toEqual(['conversation.item.truncate'])
    session.take({ type: 'conversation.item.truncated', item_id: 'a' })
    expect(types()).toEqual(['conversation.item.truncate', 'conversation.item.retrieve'])
  })

  it('plays nothing that still comes of a reply that was interrupted', async () => {
    const { session, speaker, sound, reply, types } = open()
    reply()
    await session.interrupt()
    const before = speaker.orders.length
    sound()
    session.take({ type: 'response.output_audio_transcript.delta', item_id: 'a', delta: ' four' })
    expect(speaker.orders).toHaveLength(before)
    expect(types()).toEqual(['response.cancel'])
  })

  it('lets the reply go on when no turn comes of the speech', () => {
    vi.useFakeTimers()
    try {
      const { session, speaker, reply } = open()
      reply()
      session.take({ type: 'input_audio_buffer.speech_started', item_id: 'u' })
      session.take({ type: 'input_audio_buffer.speech_stopped', item_id: 'u' })
      vi.advanceTimersByTime(1000)
      expect(speaker.orders.slice(-2)).toEqual(['pause', 'resume'])
    } finally {
      vi.useRealTimers()
    }
  })

  it('sends sound only while the button is held, and interrupts what plays when it is pressed', async () => {
    const { session, speaker, types, reply } = open('push')
    reply()
    session.hear(new Int16Array(480))
    expect(types()).toEqual([])
    session.press()
    session.hear(new Int16Array(480))
    session.release()
    session.hear(new Int16Array(480))
    await settled()
    expect(speaker.orders).toContain('flush')
    expect(types()).toEqual([
      'response.cancel',
      'input_audio_buffer.clear',
      'input_audio_buffer.append',
      'input_audio_buffer.commit',
      'response.create',
    ])
  })

  it('shows of a reply what was heard, by its sound, and of an interrupted one what the server knows', async () => {
    const { session, speaker, reply, cancelled } = open()
    reply()
    session.take({ type: 'response.output_audio.done', item_id: 'a' })
    const line = () => session.conversation.lines.find(({ id }) => id === 'a')
    session.heard('a', 40)
    expect(line()?.text.slice(0, line()?.heard)).toBe('One')
    session.heard('a', 100)
    expect(line()?.heard).toBe('One two three.'.length)
    speaker.played = [{ item: 'a', ms: 40 }]
    session.take({ type: 'input_audio_buffer.speech_started', item_id: 'u' })
    cancelled()
    await settled()
    expect(line()).toMatchObject({ state: 'cut', text: 'One' })
    session.take({ type: 'conversation.item.retrieved', item: { id: 'a', content: [{ transcript: 'One two' }] } })
    expect(line()).toMatchObject({ state: 'cut', text: 'One two' })
  })

  it('takes a transcript in place of what was understood before, and nothing for nothing', () => {
    const { session } = open()
    const type = 'conversation.item.input_audio_transcription'
    session.take({ type: `${type}.delta`, item_id: 'u', delta: 'won' })
    session.take({ type: `${type}.completed`, item_id: 'u', transcript: 'One.' })
    expect(session.conversation.lines).toMatchObject([{ text: 'One.', state: 'done', who: 'you' }])
    session.take({ type: `${type}.completed`, item_id: 'u', transcript: '' })
    expect(session.conversation.lines).toEqual([])
  })

  it('tells the user what failed, but not what a wrong moment brought', () => {
    const { session, sentences } = open()
    session.take({ type: 'error', error: { code: 'response_cancel_not_active', message: 'none' } })
    session.take({ type: 'error', error: { code: 'timeout', message: 'The recogniser hangs.' } })
    session.take({
      type: 'response.done',
      response: { status: 'failed', status_details: { error: { code: 'unavailable' } } },
    })
    expect(sentences).toEqual(['The recogniser hangs.', 'The reply failed (unavailable).'])
  })

  it('lets old lines go', () => {
    const { session } = open()
    for (let i = 0; i < 200; i++) session.conversation.setText(`u${i}`, 'you', String(i))
    expect(session.conversation.lines).toHaveLength(60)
    expect(session.conversation.lines.at(-1)?.text).toBe('199')
  })
})
