import { describe, expect, it } from 'vitest'
import { serverDetection } from '../../engine/voice/settings.ts'
import { VoiceTrial } from '../support/voice-trial.ts'

describe('time', () => {
  it('without a word makes the assistant speak, where that is asked for', () => {
    const trial = new VoiceTrial({}, { turnDetection: { ...serverDetection, idleTimeoutMs: 5000 } })
    trial.say('Hello')
    trial.answer('Hi.')
    trial.pass(4999)
    expect(trial.told('idle-timeout')).toEqual([])
    trial.pass(1)
    expect(trial.told('idle-timeout')).toHaveLength(1)
    expect(trial.all('generate')).toHaveLength(2)
  })

  it.each([
    ['language', 30_000, () => undefined],
    ['synthesiser', 10_000, (trial: VoiceTrial) => trial.write('One.')],
    [
      'player',
      5000,
      (trial: VoiceTrial) => {
        trial.write('One.')
        trial.sound(1000)
      },
    ],
  ] as const)('ends a reply whose %s hangs, and the next turn works', (stage, ms, prepare) => {
    const trial = new VoiceTrial()
    trial.say('Hello')
    prepare(trial)
    trial.pass(ms)
    expect(trial.told('stage-failed')).toMatchObject([{ stage, code: 'timeout' }])
    expect(trial.told('response-ended').map(({ end }) => end)).toEqual([{ status: 'failed' }])
    trial.say('Hello?')
    trial.answer('Hi.')
    expect(trial.told('response-ended')[1]?.end.status).toBe('completed')
  })

  it('of a model that goes on writing is not over', () => {
    const trial = new VoiceTrial({}, { modality: 'text' })
    trial.say('Hello')
    for (let i = 0; i < 4; i++) {
      trial.pass(20_000)
      trial.write('And.')
    }
    expect(trial.told('stage-failed')).toEqual([])
  })

  it('of a recogniser that hangs is over, and its turn with it', () => {
    const trial = new VoiceTrial()
    trial.speak(500)
    trial.pass(500 + 15_000)
    expect(trial.told('transcription-failed')).toHaveLength(1)
    expect(trial.state.history).toEqual([])
    trial.tell({ type: 'transcript', turn: 1, text: 'late' })
    expect(trial.all('generate')).toEqual([])
  })

  it.each([
    ['I think so.', 300],
    ['I would like a', 4000],
    ['I think so', 800],
  ])('that ends a turn by meaning after "%s" is %i ms', (text, ms) => {
    const detection = {
      type: 'semantic_vad',
      eagerness: 'auto',
      createResponse: true,
      interruptResponse: true,
    } as const
    const trial = new VoiceTrial({}, { turnDetection: detection })
    trial.tell({ type: 'speech', audioMs: 0 })
    trial.pass(500)
    trial.tell({ type: 'partial', turn: 1, text })
    trial.tell({ type: 'silence', audioMs: 500 })
    trial.pass(ms - 1)
    expect(trial.all('transcribe')).toEqual([])
    trial.pass(1)
    expect(trial.all('transcribe')).toHaveLength(1)
  })

  it('by meaning grows with the pauses of the speaker', () => {
    const detection = { type: 'semantic_vad', eagerness: 'low', createResponse: true, interruptResponse: true } as const
    const trial = new VoiceTrial({}, { turnDetection: detection })
    trial.tell({ type: 'speech', audioMs: 0 })
    trial.tell({ type: 'partial', turn: 1, text: 'I would like to' })
    trial.speak(500)
    trial.pass(1500)
    trial.speak(500)
    trial.tell({ type: 'partial', turn: 1, text: 'I would like to go home' })
    trial.pass(1799)
    expect(trial.all('transcribe')).toEqual([])
    trial.pass(1)
    expect(trial.all('transcribe')).toHaveLength(1)
  })
})
