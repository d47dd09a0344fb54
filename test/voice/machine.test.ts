import { describe, expect, it } from 'vitest'
import { serverDetection } from '../../engine/voice/settings.ts'
import { VoiceTrial } from '../support/voice-trial.ts'

const kinds = (trial: VoiceTrial) => trial.notices.map(({ type }) => type)

/** The assistant says "One two three." and "Four five." of a second each; the first is being played. */
function speaking(trial = new VoiceTrial()): VoiceTrial {
  trial.say('Count')
  trial.write('One two three.', 'Four five.')
  trial.sound(1000)
  trial.sound(1000)
  trial.play(400)
  return trial
}

describe('a turn', () => {
  it('goes from speech to a reply that was heard, in the order of the protocol', () => {
    const trial = new VoiceTrial()
    trial.say('Hello')
    trial.answer('Hi there.')
    expect(kinds(trial)).toEqual([
      'speech-started',
      'speech-stopped',
      'committed',
      'transcribed',
      'response-started',
      'item-added',
      'reply-text',
      'item-done',
      'response-ended',
    ])
    expect(trial.told('response-ended')[0]?.end).toEqual({ status: 'completed' })
    expect(trial.state.reply).toBeUndefined()
    trial.say('And?')
    expect(trial.prompt).toEqual(['user: Hello', 'assistant: Hi there. ', 'user: And?'])
  })

  it('takes sound from before the beginning, and ends where the silence began', () => {
    const trial = new VoiceTrial()
    trial.pass(1000)
    trial.say('Hello')
    expect(trial.last('listen')).toMatchObject({ turn: 1, fromMs: 700 })
    expect(trial.last('transcribe')).toMatchObject({ turn: 1, toMs: 1500 })
    expect(trial.told('committed')[0]).toMatchObject({ previous: null, fromMs: 700, toMs: 1500 })
  })

  it('ends after the silence that was asked for, and not at a shorter pause', () => {
    const trial = new VoiceTrial()
    trial.speak(500)
    trial.pass(499)
    trial.speak(500)
    trial.pass(499)
    expect(trial.all('transcribe')).toEqual([])
    trial.pass(1)
    expect(trial.all('transcribe')).toHaveLength(1)
    expect(trial.told('speech-started')).toHaveLength(1)
  })

  it('ends after the longest time, whatever the room sounds like', () => {
    const trial = new VoiceTrial()
    trial.tell({ type: 'speech', audioMs: 0 })
    trial.pass(60_000)
    expect(trial.all('transcribe')).toHaveLength(1)
  })

  it('comes to nothing without words: no item, no reply', () => {
    const trial = new VoiceTrial()
    trial.say(' ')
    expect(trial.state.history).toEqual([])
    expect(kinds(trial)).toEqual(['speech-started', 'speech-stopped', 'committed', 'transcribed'])
  })

  it('is answered once with what was said before, when the user goes on while the text is awaited', () => {
    const trial = new VoiceTrial()
    trial.speak(500)
    trial.pass(500)
    trial.tell({ type: 'speech', audioMs: trial.audioMs })
    trial.tell({ type: 'transcript', turn: 1, text: 'I want' })
    expect(trial.all('generate')).toEqual([])
    trial.pass(500)
    trial.tell({ type: 'silence', audioMs: trial.audioMs })
    trial.pass(500)
    trial.tell({ type: 'transcript', turn: 2, text: 'to go' })
    expect(trial.all('generate')).toHaveLength(1)
    expect(trial.prompt).toEqual(['user: I want\nto go'])
  })

  it('is not answered by itself where the client wants to ask for it', () => {
    const trial = new VoiceTrial({}, { turnDetection: { ...serverDetection, createResponse: false } })
    trial.say('Hello')
    expect(trial.all('generate')).toEqual([])
    trial.tell({ type: 'respond' })
    expect(trial.prompt).toEqual(['user: Hello'])
  })

  it('starts speech with the first clause, while the rest is being written, one clause at a time', () => {
    const trial = new VoiceTrial()
    trial.say('Count')
    trial.write('One.')
    expect(trial.last('speak')).toMatchObject({ clause: 0, text: 'One.' })
    trial.write('Two.')
    expect(trial.all('speak')).toHaveLength(1)
    trial.sound(300)
    expect(trial.last('speak')).toMatchObject({ clause: 1, text: 'Two.' })
    expect(trial.told('response-ended')).toEqual([])
  })

  it('is complete as soon as all of its sound was handed out, and over when that was heard', () => {
    const trial = speaking()
    trial.endWriting()
    expect(trial.told('response-ended')).toHaveLength(1)
    expect(trial.state.reply?.isEnded).toBe(true)
    trial.play(2000)
    expect(trial.state.reply).toBeUndefined()
  })
})

describe('barge-in', () => {
  it('pauses the reply at once and cancels it when the voice goes on', () => {
    const trial = speaking()
    trial.tell({ type: 'speech', audioMs: trial.audioMs })
    expect(trial.effects.at(-2)).toMatchObject({ type: 'tell', notice: { type: 'reply-held' } })
    trial.pass(299)
    expect(trial.all('stop-reply')).toEqual([])
    trial.pass(1)
    expect(trial.effects.slice(-4).map(({ type }) => type)).not.toContain('generate')
    expect(trial.all('stop-reply')).toEqual([{ type: 'stop-reply', turn: 1 }])
    expect(trial.all('flush')).toEqual([{ type: 'flush', turn: 1 }])
    expect(trial.told('item-done')[0]).toMatchObject({ status: 'incomplete' })
    expect(trial.told('response-ended')[0]?.end).toEqual({ status: 'cancelled', reason: 'turn_detected' })
  })

  it('cancels it in the same step where the client plays by itself', () => {
    const trial = speaking(new VoiceTrial({ holdMs: 0 }))
    const effects = trial.tell({ type: 'speech', audioMs: trial.audioMs })
    const told = effects.flatMap((effect) => (effect.type === 'tell' ? [effect.notice.type] : [effect.type]))
    expect(told).toEqual([
      'listen',
      'speech-started',
      'start-timer',
      'stop-reply',
      'flush',
      'stop-timer',
      'item-done',
      'response-ended',
      'stop-timer',
    ])
  })

  it('leaves in the next prompt exactly the words that were heard', () => {
    const trial = speaking()
    trial.speak(400)
    trial.tell({ type: 'flushed', turn: 1, ms: 1600 })
    trial.pass(500)
    trial.tell({ type: 'transcript', turn: 2, text: 'Stop' })
    expect(trial.prompt).toEqual(['user: Count', 'assistant: One two three. Four', 'user: Stop'])
  })

  it('changes nothing by what the cancelled turn still answers', () => {
    const trial = speaking()
    const { turn, round } = trial.last('generate')
    trial.speak(400)
    const before = trial.state
    trial.tell({ type: 'reply-text', turn, round, text: 'late' })
    trial.tell({ type: 'clause', turn, round, text: 'late' })
    trial.tell({ type: 'tool-call', turn, round, call: { id: 'c', name: 'look', arguments: {} } })
    trial.tell({ type: 'generated', turn, round })
    trial.tell({ type: 'sound', turn, clause: 1, ms: 5 })
    trial.tell({ type: 'spoken', turn, clause: 1 })
    trial.tell({ type: 'played', turn, ms: 5000 })
    trial.tell({ type: 'failed', turn, stage: 'language', code: 'cancelled', message: 'aborted' })
    expect(trial.state).toEqual(before)
  })

  it('does not interrupt where the client forbids it; the answer waits for the end of the reply', () => {
    const trial = speaking(new VoiceTrial({}, { turnDetection: { ...serverDetection, interruptResponse: false } }))
    trial.say('And six?')
    expect(trial.all('hold')).toEqual([])
    trial.endWriting()
    expect(trial.all('generate')).toHaveLength(1)
    trial.play(2000)
    expect(trial.all('generate')).toHaveLength(2)
  })

  it('cuts off a reply that is complete but still plays, without a second end', () => {
    const trial = speaking()
    trial.endWriting()
    trial.speak(400)
    expect(trial.told('response-ended')).toHaveLength(1)
    expect(trial.all('flush')).toHaveLength(1)
  })
})

describe('a false interruption', () => {
  it('as short as a cough lets the reply go on, and no text comes of it', () => {
    const trial = speaking()
    trial.speak(200)
    trial.pass(250)
    expect(trial.all('resume')).toEqual([{ type: 'resume', turn: 1 }])
    expect(trial.told('speech-stopped')[0]?.outcome).toBe('committed')
    expect(trial.told('speech-stopped')[1]?.outcome).toBe('dismissed')
    expect(trial.all('forget')).toHaveLength(1)
    trial.endWriting()
    trial.play(2000)
    expect(trial.told('response-ended')[0]?.end.status).toBe('completed')
  })

  it('without words has the rest of a written reply said in a new response', () => {
    const trial = speaking()
    trial.endWriting()
    trial.speak(600)
    trial.tell({ type: 'flushed', turn: 1, ms: 500 })
    trial.pass(600)
    trial.tell({ type: 'transcript', turn: 2, text: '' })
    expect(trial.last('speak')).toMatchObject({ turn: 3, clause: 0, text: 'two three.' })
    trial.sound(500)
    trial.sound(500)
    trial.play(1000)
    expect(trial.all('generate')).toHaveLength(1)
    trial.say('Thanks')
    expect(trial.prompt).toEqual(['user: Count', 'assistant: One two three. Four five.', 'user: Thanks'])
  })

  it('without words asks the model to go on where it had not written all', () => {
    const trial = speaking()
    trial.speak(600)
    trial.tell({ type: 'flushed', turn: 1, ms: 2000 })
    trial.pass(600)
    trial.tell({ type: 'transcript', turn: 2, text: '' })
    expect(trial.prompt.slice(0, 2)).toEqual(['user: Count', 'assistant: One two three. Four five. '])
    expect(trial.prompt[2]).toContain('Go on exactly where you stopped')
    trial.answer('Six.')
    trial.say('Thanks')
    expect(trial.prompt).toEqual(['user: Count', 'assistant: One two three. Four five. Six. ', 'user: Thanks'])
  })

  it('is taken as one when the recogniser fails', () => {
    const trial = speaking()
    trial.endWriting()
    trial.speak(600)
    trial.pass(600)
    trial.tell({ type: 'failed', turn: 2, stage: 'recogniser', code: 'internal', message: 'gone' })
    expect(trial.told('transcription-failed')).toHaveLength(1)
    expect(trial.last('speak').turn).toBe(3)
  })
})

describe('an answer prepared during the silence', () => {
  const prepared = () => {
    const trial = new VoiceTrial()
    trial.tell({ type: 'speech', audioMs: 0 })
    trial.pass(500)
    trial.tell({ type: 'partial', turn: 1, text: 'hello there' })
    trial.tell({ type: 'silence', audioMs: trial.audioMs })
    trial.pass(150)
    return trial
  }

  it('is asked for early and said only when the turn is over', () => {
    const trial = prepared()
    expect(trial.prompt).toEqual(['user: hello there'])
    trial.write('Hi.')
    expect(trial.all('speak')).toEqual([])
    trial.pass(350)
    trial.tell({ type: 'transcript', turn: 1, text: 'Hello there!' })
    expect(trial.all('generate')).toHaveLength(1)
    expect(trial.last('speak').text).toBe('Hi.')
    expect(kinds(trial).slice(-3)).toEqual(['response-started', 'item-added', 'reply-text'])
  })

  it('is given up when the user goes on', () => {
    const trial = prepared()
    trial.tell({ type: 'speech', audioMs: trial.audioMs })
    expect(trial.all('stop-generating')).toHaveLength(1)
    trial.write('Hi.')
    expect(trial.state.reply).toBeUndefined()
  })

  it('is given up when other words were understood', () => {
    const trial = prepared()
    trial.pass(350)
    trial.tell({ type: 'transcript', turn: 1, text: 'Hello Claire' })
    expect(trial.all('stop-generating')).toHaveLength(1)
    expect(trial.prompt).toEqual(['user: Hello Claire'])
  })

  it('is asked for anew when its model fails', () => {
    const trial = prepared()
    trial.tell({ type: 'failed', turn: 1, stage: 'language', code: 'internal', message: 'gone' })
    trial.pass(350)
    trial.tell({ type: 'transcript', turn: 1, text: 'hello there' })
    expect(trial.all('generate')).toHaveLength(2)
  })
})
