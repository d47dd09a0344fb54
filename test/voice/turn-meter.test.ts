import { describe, expect, it } from 'vitest'
import type { LanguageUsage } from '../../engine/inference/language.ts'
import type { Effect } from '../../engine/voice/effects.ts'
import { defaultSettings } from '../../engine/voice/settings.ts'
import { TurnMeter } from '../../engine/voice/turn-meter.ts'

const usage = (answerTokens: number): LanguageUsage => ({
  ...{ promptTokens: 10, cachedTokens: 2, answerTokens },
  ...{ queuedMs: 0, loadMs: 0, promptMs: 50, answerMs: 100 * answerTokens },
})
const generate = (round: number): Effect => ({
  ...{ type: 'generate', turn: 1, round, messages: [], settings: defaultSettings },
})
const begun: Effect = {
  type: 'tell',
  notice: { type: 'response-started', turn: 1, response: 'resp_1', settings: defaultSettings, isOutOfBand: false },
}
const committed: Effect = {
  type: 'tell',
  notice: { type: 'committed', turn: 1, item: 'item_1', previous: null, fromMs: 0, toMs: 1000 },
}
const text = (round: number, at: number) => ({ type: 'reply-text', turn: 1, round, text: 'Yes.', at }) as const
const clause = (round: number, at: number) => ({ type: 'clause', turn: 1, round, text: 'Yes.', at }) as const
const sound = (at: number) => ({ type: 'sound', turn: 1, clause: 0, ms: 20, at }) as const

/** Somebody fell silent at 1000, the turn was over at 1500, and the first sound came at 1900. */
function hearTurn(meter: TurnMeter, write: () => void) {
  meter.see({ type: 'silence', audioMs: 1000, at: 1000 }, 1000)
  write()
  meter.see(sound(1900), 1900)
  return meter.measure(1, { status: 'completed' })
}

describe('the measures of a reply', () => {
  it('leave out an answer that was prepared and not given', () => {
    const meter = new TurnMeter()
    const measures = hearTurn(meter, () => {
      meter.seeEffect(generate(1), 1100)
      meter.see(text(1, 1150), 1150)
      meter.see(clause(1, 1160), 1160)
      meter.seeUsage(1, 1, usage(120))
      meter.seeEffect(committed, 1500)
      meter.seeEffect(begun, 1600)
      meter.seeEffect({ type: 'stop-generating', turn: 1, round: 1 }, 1600)
      meter.seeEffect(generate(2), 1600)
      meter.see(text(1, 1610), 1610)
      meter.see(text(2, 1700), 1700)
      meter.see(clause(2, 1800), 1800)
      meter.seeUsage(1, 2, usage(40))
      meter.seeUsage(1, 1, usage(120))
    })
    expect(measures).toMatchObject({ answerTokens: 40, promptTokens: 10, ttftMs: 100, ttfbMs: 100, e2eMs: 900 })
    expect(measures.endOfUtteranceDelayMs).toBe(500)
  })

  it('count the voice of a prepared answer from the response on, so that no part is longer than the whole', () => {
    const meter = new TurnMeter()
    const measures = hearTurn(meter, () => {
      meter.seeEffect(generate(1), 1100)
      meter.see(text(1, 1150), 1150)
      meter.see(clause(1, 1160), 1160)
      meter.seeUsage(1, 1, usage(20))
      meter.seeEffect(committed, 1500)
      meter.seeEffect(begun, 1600)
    })
    expect(measures).toMatchObject({ answerTokens: 20, ttftMs: 50, ttfbMs: 300, e2eMs: 900 })
  })

  it('add up the rounds of a reply that called a tool', () => {
    const meter = new TurnMeter()
    const measures = hearTurn(meter, () => {
      meter.seeEffect(committed, 1500)
      meter.seeEffect(begun, 1500)
      meter.seeEffect(generate(1), 1500)
      meter.seeUsage(1, 1, usage(12))
      meter.seeEffect(generate(2), 1700)
      meter.see(text(2, 1750), 1750)
      meter.see(clause(2, 1800), 1800)
      meter.seeUsage(1, 2, usage(8))
    })
    expect(measures).toMatchObject({
      answerTokens: 20,
      promptTokens: 20,
      tokensPerSecond: 10,
      ttftMs: 250,
      ttfbMs: 100,
    })
  })
})
