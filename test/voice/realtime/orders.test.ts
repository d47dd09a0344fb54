import { afterEach, beforeEach, describe, it, vi } from 'vitest'
import { EngineError } from '../../../engine/errors.ts'
import { seededPick } from '../../support/random.ts'
import { RealtimeOracle } from '../../support/realtime-oracle.ts'
import { RealtimeTrial } from '../../support/realtime-trial.ts'
import type { Answer } from '../../support/voice-stages.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const orders = 40
const stepsEach = 25

const call = (id: number) => ({ id: `call-${id}`, name: 'look', arguments: {} })
const answersOf = (id: number): readonly Answer[] => [
  [],
  ['Yes. '],
  Array.from({ length: 30 }, (_, i) => `This is sentence ${i}. `),
  ['Let me see. ', call(id)],
  [call(id), call(id + 1)],
  ['`code` and no more'],
]
const detections = [
  { type: 'server_vad', silence_duration_ms: 200 },
  { type: 'server_vad', interrupt_response: false },
  { type: 'server_vad', idle_timeout_ms: 5000 },
  { type: 'semantic_vad', eagerness: 'high' },
  null,
]

/** A user and a client who do anything at any time, with stages that fail now and then. */
class RandomOrder {
  readonly #trial: RealtimeTrial
  readonly #oracle = new RealtimeOracle()
  readonly #pick: (below: number) => number
  #seen = 0
  #lastId = 0

  constructor(trial: RealtimeTrial, pick: (below: number) => number) {
    this.#trial = trial
    this.#pick = pick
  }

  async act(): Promise<void> {
    const { stages } = this.#trial
    stages.answers = [this.#one(answersOf(this.#lastId))]
    stages.transcripts.splice(0, 1, this.#one(['', 'yes', 'what is it']))
    const actions = [this.#speak, this.#speak, this.#wait, this.#wait, this.#ask, this.#edit, this.#fail]
    await this.#one(actions).call(this)
    this.#judge()
  }

  async settle(): Promise<void> {
    const { stages } = this.#trial
    stages.failing.clear()
    stages.answers = [['Yes. ']]
    await this.#trial.beSilent(1500)
    await this.#trial.pass(90_000)
    this.#judge()
    this.#oracle.checkIdle()
  }

  #judge(): void {
    for (const event of this.#trial.heard.slice(this.#seen)) this.#oracle.hear(event)
    this.#seen = this.#trial.heard.length
  }

  #one<T>(choices: readonly T[]): T {
    return choices[this.#pick(choices.length)] as T
  }

  async #speak(): Promise<void> {
    await this.#trial.speak(20 * (1 + this.#pick(25)))
    await this.#trial.beSilent(20 * this.#pick(40))
  }

  async #wait(): Promise<void> {
    await this.#trial.pass(this.#one([1, 50, 210, 700, 3000]))
  }

  async #ask(): Promise<void> {
    const text = { output_modalities: ['text'] }
    this.#trial.send(
      this.#one<object>([
        { type: 'response.create' },
        { type: 'response.create', response: { conversation: 'none', ...text } },
        { type: 'response.create', response: text },
        { type: 'response.cancel' },
        { type: 'input_audio_buffer.commit' },
        { type: 'input_audio_buffer.clear' },
        { type: 'session.update', session: { audio: { input: { turn_detection: this.#one(detections) } } } },
      ]),
    )
  }

  async #edit(): Promise<void> {
    const items = this.#trial.all('conversation.item.added').map(({ item }) => (item as { id: string }).id)
    const item_id = items.length > 0 ? this.#one(items) : 'nobody'
    const content = [{ type: 'input_text', text: 'And this?' }]
    const id = `mine-${this.#lastId++}`
    this.#trial.send(
      this.#one<object>([
        { type: 'conversation.item.create', item: { id, type: 'message', role: 'user', content } },
        {
          type: 'conversation.item.create',
          previous_item_id: item_id,
          item: { id, type: 'message', role: 'user', content },
        },
        { type: 'conversation.item.delete', item_id },
        { type: 'conversation.item.retrieve', item_id },
        { type: 'conversation.item.truncate', item_id, content_index: 0, audio_end_ms: this.#pick(3000) },
      ]),
    )
  }

  async #fail(): Promise<void> {
    const { failing } = this.#trial.stages
    if (failing.size > 0) failing.clear()
    else failing.set(this.#one(['recogniser', 'language', 'synthesiser']), new EngineError('unavailable', 'It broke'))
  }
}

describe('P5: whatever users, clients and stages do', () => {
  it('each response and item has its events in their order, and everything that begins ends', {
    timeout: 300_000,
  }, async () => {
    for (let seed = 1; seed <= orders; seed++) {
      const pick = seededPick(seed)
      const trial = await RealtimeTrial.open()
      const order = new RandomOrder(trial, pick)
      try {
        for (let i = 0; i < stepsEach; i++) await order.act()
        await order.settle()
        await trial.close()
      } catch (error) {
        throw new Error(
          `Order ${seed}: ${error instanceof Error ? error.message : error}\n${trial.types().slice(-40).join('\n')}`,
          { cause: error },
        )
      }
    }
  })
})
