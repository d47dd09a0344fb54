import { describe, expect, it } from 'vitest'
import type { VoiceNotice } from '../../engine/voice/voice-output.ts'
import { type GateAction, WakeGate } from '../../engine/voice/wake-gate.ts'

/** A second of sound, all samples of which are its number. */
const second = (value: number) => new Int16Array(16_000).fill(value)
const item = 'item_1'
const spoken = { turn: 1, item }
const started: VoiceNotice = { type: 'speech-started', ...spoken, audioMs: 0 }
const stopped: VoiceNotice = { type: 'speech-stopped', ...spoken, audioMs: 0, outcome: 'committed' }
const committed: VoiceNotice = { type: 'committed', ...spoken, previous: null, fromMs: 0, toMs: 0 }
const transcribed: VoiceNotice = { type: 'transcribed', ...spoken, text: 'stop' }
const replying = { type: 'response-started', turn: 1, response: 'resp_1', isOutOfBand: false } as VoiceNotice
const replied: VoiceNotice = { type: 'response-ended', turn: 1, response: 'resp_1', end: { status: 'completed' } }

class Trial {
  readonly gate: WakeGate
  #seconds = 0

  constructor(wake: readonly string[] = ['robot'], stop: readonly string[] = ['stop']) {
    this.gate = new WakeGate({ wake, stop, followUpMs: 3000 })
  }

  /** So many more seconds; what had to be done in each, sound by its first and last value. */
  hear(seconds: number): string[] {
    return Array.from({ length: seconds }, () => this.gate.hear(second(++this.#seconds)))
      .flat()
      .map(tell)
  }

  spot(word: string, start: number, end = start + 0.5): string[] {
    return this.gate.spot({ word, start, end }).map(tell)
  }

  heed(...notices: VoiceNotice[]): string[] {
    return notices.flatMap((notice) => this.gate.heed(notice)).map(tell)
  }
}

function tell(action: GateAction): string {
  switch (action.type) {
    case 'pass':
      return `pass ${action.samples[0]} to ${action.samples.at(-1)}, ${action.samples.length / 16_000} s`
    case 'awake':
    case 'stop':
      return `${action.type} ${action.word}`
    case 'delete-item':
      return `delete ${action.item}`
    default:
      return action.type
  }
}

describe('the gate of wake words', () => {
  it('lets nothing through until a wake word, then all from its end on', () => {
    const trial = new Trial()
    expect(trial.hear(5)).toEqual([])
    expect(trial.spot('stop', 1)).toEqual([])
    expect(trial.spot('robot', 3, 3.5)).toEqual(['awake robot', 'pass 4 to 5, 1.5 s'])
    expect(trial.hear(1)).toEqual(['pass 6 to 6, 1 s'])
    expect(trial.spot('robot', 5)).toEqual([])
  })

  it('keeps twenty seconds for a word that is told late', () => {
    const trial = new Trial()
    trial.hear(30)
    expect(trial.spot('robot', 2)).toEqual(['awake robot', 'pass 11 to 30, 20 s'])
  })

  it('falls asleep when nobody says anything, and hears nothing twice', () => {
    const trial = new Trial()
    trial.hear(1)
    trial.spot('robot', 0.4, 1)
    expect(trial.hear(4)).toEqual(['pass 2 to 2, 1 s', 'pass 3 to 3, 1 s', 'pass 4 to 4, 1 s', 'asleep'])
    expect(trial.spot('robot', 1.5, 2)).toEqual(['awake robot', 'pass 5 to 5, 1 s'])
  })

  it('stays awake while somebody speaks, a text is awaited, a reply is made or heard, and for a follow-up after it', () => {
    const trial = new Trial()
    trial.hear(1)
    trial.spot('robot', 0.4, 1)
    for (const notice of [started, stopped, committed, replying]) {
      trial.heed(notice)
      if (notice !== stopped) expect(trial.hear(10)).not.toContain('asleep')
    }
    trial.heed(replied)
    trial.hear(2)
    trial.gate.played()
    expect(trial.hear(2)).not.toContain('asleep')
    expect(trial.hear(1)).toContain('asleep')
  })

  it('does not wait for ever for a reply that never ends', () => {
    const trial = new Trial()
    trial.hear(1)
    trial.spot('robot', 0.4, 1)
    trial.heed(replying)
    expect(trial.hear(119)).not.toContain('asleep')
    expect(trial.hear(1)).toContain('asleep')
  })

  it('falls asleep after a cough and after a text that failed', () => {
    for (const end of [
      { type: 'transcribed', ...spoken, text: '' },
      { type: 'transcription-failed', ...spoken, message: 'no' },
    ] as const) {
      const trial = new Trial()
      trial.hear(1)
      trial.spot('robot', 0.4, 1)
      trial.heed(started, stopped, committed, end)
      expect(trial.hear(3)).toContain('asleep')
    }
  })

  it('stops a reply by a stop word, which is speech like any other where there is none', () => {
    const trial = new Trial([])
    trial.hear(4)
    expect(trial.spot('stop', 1)).toEqual([])
    trial.heed(replying)
    trial.hear(2)
    expect(trial.spot('stop', 5)).toEqual(['stop stop'])
    trial.heed(replied)
    trial.hear(2)
    expect(trial.spot('stop', 7)).toEqual([])
  })

  it('stops a reply that is heard longer than it is made, or that the word interrupted as any voice does', () => {
    const trial = new Trial([])
    trial.heed(replying, replied)
    trial.hear(3)
    trial.gate.played()
    trial.hear(1)
    expect(trial.spot('stop', 2.5)).toEqual(['stop stop'])
  })

  it('takes a stop word that became a turn out of the conversation, whether its text is known or awaited', () => {
    const known = new Trial([])
    known.heed(replying)
    known.hear(3)
    known.heed(started, stopped, committed, transcribed)
    expect(known.spot('stop', 1)).toEqual(['stop stop', 'delete item_1'])
    const awaited = new Trial([])
    awaited.heed(replying)
    awaited.hear(3)
    awaited.heed(started, stopped, committed)
    expect(awaited.spot('stop', 1)).toEqual(['stop stop'])
    expect(awaited.heed(transcribed)).toEqual(['delete item_1'])
    expect(awaited.heed(transcribed)).toEqual([])
  })

  it('leaves what was said before a stop word', () => {
    const trial = new Trial([])
    trial.hear(1)
    trial.heed(started, stopped, committed, transcribed, replying)
    trial.hear(3)
    expect(trial.spot('stop', 2)).toEqual(['stop stop'])
  })

  it('never sleeps without wake words', () => {
    const trial = new Trial([])
    expect(trial.hear(300)).not.toContain('asleep')
  })
})
