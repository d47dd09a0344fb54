import assert from 'node:assert/strict'
import { describe, expect, it } from 'vitest'
import type { Effect } from '../../engine/voice/effects.ts'
import { toMessages } from '../../engine/voice/history.ts'
import { serverDetection, type TurnDetection } from '../../engine/voice/settings.ts'
import type { VoiceState } from '../../engine/voice/state.ts'
import { seededPick } from '../support/random.ts'
import { VoiceOracle } from '../support/voice-oracle.ts'
import { VoiceTrial } from '../support/voice-trial.ts'

type Pick = (below: number) => number

const orders = 10_000
const stepsEach = 30

const detections: readonly (TurnDetection | null)[] = [
  serverDetection,
  { ...serverDetection, interruptResponse: false },
  { ...serverDetection, createResponse: false, idleTimeoutMs: 2000 },
  { type: 'semantic_vad', eagerness: 'high', createResponse: true, interruptResponse: true },
  null,
]
const tools = [{ name: 'look', parameters: {} }]

/** A voice session whose stages, client and user do anything at any time, late answers of cancelled work among it. */
class RandomOrder {
  readonly trial: VoiceTrial
  readonly oracle: VoiceOracle
  readonly #pick: Pick
  #lastId = 0
  #seen = 0

  constructor(pick: Pick) {
    this.#pick = pick
    const detection = detections[pick(detections.length)] ?? null
    const options = { holdMs: pick(3) === 0 ? 0 : 300, builtInTools: pick(2) ? ['look'] : [], maxToolRounds: 2 }
    this.trial = new VoiceTrial(options, {
      tools,
      turnDetection: detection,
      modality: pick(5) === 0 ? 'text' : 'audio',
    })
    this.oracle = new VoiceOracle(() => this.trial.state)
  }

  act(): void {
    const actions = [
      this.#user,
      this.#user,
      this.#time,
      this.#time,
      this.#model,
      this.#model,
      this.#voice,
      this.#voice,
      this.#client,
      this.#fail,
    ]
    actions[this.#pick(actions.length)]?.call(this)
    this.observe()
  }

  observe(): void {
    for (const effect of this.trial.effects.slice(this.#seen)) this.oracle.see(effect)
    this.#seen = this.trial.effects.length
    this.oracle.check()
  }

  #any<T extends Effect['type']>(type: T) {
    const all = this.trial.all(type)
    return this.#pick(3) === 0 ? all[this.#pick(all.length)] : all.at(-1)
  }

  #user(): void {
    const { trial } = this
    const audioMs = Math.max(0, trial.audioMs - this.#pick(100))
    const kind = this.#pick(10)
    if (kind < 3) trial.tell({ type: 'speech', audioMs })
    else if (kind < 6) trial.tell({ type: 'silence', audioMs })
    else if (kind === 6) trial.tell({ type: this.#pick(2) ? 'press' : 'release' })
    else if (kind === 7) trial.tell({ type: this.#pick(2) ? 'commit' : 'clear' })
    else this.#recogniser()
  }

  #recogniser(): void {
    const listen = this.#any('listen')
    const text = ['', 'yes', 'yes and', 'go on.'][this.#pick(4)] ?? ''
    if (listen && this.#pick(2)) this.trial.tell({ type: 'partial', turn: listen.turn, text })
    const transcribe = this.#any('transcribe')
    if (transcribe) this.trial.tell({ type: 'transcript', turn: transcribe.turn, text })
  }

  #time(): void {
    this.trial.pass([10, 100, 160, 300, 520, 2100, 16_000][this.#pick(this.#pick(4) === 0 ? 7 : 5)] ?? 0)
  }

  #model(): void {
    const generate = this.#any('generate')
    const called = this.#any('call-tool')
    if (called && this.#pick(3) === 0)
      this.trial.tell({ type: 'tool-result', turn: called.turn, callId: called.call.id, output: 'a cat' })
    if (!generate) return
    const { turn, round } = generate
    const kind = this.#pick(6)
    if (kind < 2) this.trial.tell({ type: 'reply-text', turn, round, text: 'Well, ' })
    else if (kind < 4) this.trial.tell({ type: 'clause', turn, round, text: 'one two three.' })
    else if (kind === 4) this.trial.tell({ type: 'generated', turn, round })
    else
      this.trial.tell({
        type: 'tool-call',
        turn,
        round,
        call: { id: `call-${this.#lastId++}`, name: 'look', arguments: {} },
      })
  }

  #voice(): void {
    const flush = this.#any('flush')
    if (flush && this.#pick(3) === 0) this.trial.tell({ type: 'flushed', turn: flush.turn, ms: this.#pick(2000) })
    const speak = this.#any('speak')
    if (!speak) return
    const { turn, clause } = speak
    const kind = this.#pick(4)
    if (kind < 2) this.trial.tell({ type: 'sound', turn, clause, ms: 50 + this.#pick(500) })
    else if (kind === 2) this.trial.tell({ type: 'spoken', turn, clause })
    else this.trial.tell({ type: 'played', turn, ms: this.#pick(3000) })
  }

  #client(): void {
    const { trial } = this
    const { history } = trial.state
    const item = history[this.#pick(Math.max(1, history.length))]?.id ?? 'none'
    const refusedBefore = trial.told('refused').length
    const kind = this.#pick(9)
    const id = `x${this.#lastId++}`
    const told = (type: 'settings' | 'item-added' | 'item-deleted' | 'item-truncated') => trial.told(type).length
    const counts = () => told('settings') + told('item-added') + told('item-deleted') + told('item-truncated')
    const before = counts()
    if (kind === 0) trial.tell({ type: 'respond', isOutOfBand: this.#pick(3) === 0 })
    else if (kind === 1) trial.tell({ type: 'cancel-response' })
    else if (kind === 2) trial.tell({ type: 'interrupt' })
    else if (kind === 3) trial.tell({ type: 'say', text: 'Typed' })
    else if (kind === 4) trial.tell({ type: 'truncate', item, endMs: this.#pick(1500) })
    else if (kind === 5) trial.tell({ type: 'delete-item', item })
    else if (kind === 6)
      trial.tell({
        type: 'create-item',
        item: { id, type: 'message', role: 'user', text: 'Made' },
        previous: this.#pick(2) ? null : item,
      })
    else if (kind === 7) trial.tell({ type: 'update', settings: { instructions: id } })
    else trial.tell({ type: 'update', settings: { turnDetection: detections[this.#pick(detections.length)] ?? null } })
    const isHeeded = trial.told('refused').length > refusedBefore || before !== counts()
    if (kind > 3) assert.ok(isHeeded, '8: a control event is heeded or refused, never discarded')
  }

  #fail(): void {
    const turn = Math.max(1, this.trial.state.turn - this.#pick(3))
    const stage = (['recogniser', 'language', 'synthesiser', 'tool', 'player'] as const)[this.#pick(5)] ?? 'tool'
    if (this.#pick(3) === 0) this.trial.tell({ type: 'failed', turn, stage, code: 'internal', message: 'gone' })
  }

  /** Everybody answers and is silent: whatever happened before, the next turn works. */
  settle(): void {
    const { trial } = this
    trial.tell({ type: 'update', settings: { turnDetection: serverDetection, modality: 'audio' } })
    trial.tell({ type: 'silence', audioMs: trial.audioMs })
    trial.tell({ type: 'release' })
    trial.pass(90_000)
    this.observe()
    expect(trial.state.utterance, 'a turn always ends').toBeUndefined()
    expect(trial.state.transcribing, 'a transcript is not awaited for ever').toEqual([])
    expect(trial.state.reply, 'a reply does not hang').toBeUndefined()
    const ended = trial.told('response-ended').length
    trial.say('Are you there?')
    expect(trial.prompt.at(-1)).toMatch(/Are you there\?$/)
    trial.answer('Yes.')
    this.observe()
    expect(
      trial
        .told('response-ended')
        .slice(ended)
        .map(({ end }) => end.status),
      'never mute afterwards',
    ).toEqual(['completed'])
  }

  close(): void {
    const { trial } = this
    trial.tell({ type: 'close' })
    this.observe()
    this.oracle.checkEnd()
    expect(trial.timers, '9: when a session ends, its timers end').toEqual([])
    expect(trial.all('end'), '9: and all its work').toHaveLength(1)
    expect(trial.tell({ type: 'close' }), '10: closing twice has the effect of closing once').toEqual([])
  }
}

describe('ten thousand random interleavings', () => {
  it('hold the ten invariants', { timeout: 300_000 }, () => {
    for (let seed = 0; seed < orders; seed++) {
      try {
        const pick = seededPick(seed)
        const order = new RandomOrder(pick)
        for (let i = 0; i < stepsEach; i++) order.act()
        if (seed % 2 === 0) order.settle()
        order.close()
      } catch (error) {
        throw new Error(`Order ${seed}: ${error instanceof Error ? error.message : error}`, { cause: error })
      }
    }
  })

  it('change nothing by events of work that is not under way', { timeout: 120_000 }, () => {
    for (let seed = 0; seed < 150; seed++) {
      const pick = seededPick(seed)
      const order = new RandomOrder(pick)
      for (let i = 0; i < stepsEach; i++) {
        order.act()
        expectNoChange(order.trial, seed)
      }
    }
  })
})

function expectNoChange(trial: VoiceTrial, seed: number): void {
  const { state } = trial
  const turn = state.turn + 1
  const events = [
    { type: 'partial', turn, text: 'x' },
    { type: 'transcript', turn, text: 'x' },
    { type: 'reply-text', turn, round: 0, text: 'x' },
    { type: 'clause', turn: state.reply?.turn ?? 0, round: -1, text: 'x' },
    { type: 'tool-result', turn, callId: 'x', output: 'x' },
    { type: 'generated', turn: state.speculation?.turn ?? 0, round: -1 },
    { type: 'sound', turn: state.reply?.turn ?? 0, clause: -1, ms: 10 },
    { type: 'spoken', turn, clause: 0 },
    { type: 'played', turn, ms: 100 },
    { type: 'flushed', turn, ms: 100 },
    { type: 'timer', timer: 'end-of-turn', timerId: -1 },
    { type: 'failed', turn, stage: 'language', code: 'internal', message: 'x' },
  ] as const
  for (const event of events) {
    assert.equal(trial.tell(event).length, 0, `${seed}: ${event.type} has no effect`)
    const changed = (Object.keys(state) as (keyof VoiceState)[]).filter(
      (key) => key !== 'now' && trial.state[key] !== state[key],
    )
    assert.deepEqual(changed, [], `${seed}: ${event.type} changes nothing`)
  }
  for (const { role, content } of toMessages(state.history))
    if (role === 'assistant') expect(content).not.toContain('x')
}
