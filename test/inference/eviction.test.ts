import { describe, expect, it } from 'vitest'
import { chooseVictims, type Holder, isShortage } from '../../engine/inference/eviction.ts'

function holder(name: string, mb: number, more: Partial<Holder> = {}): Holder {
  return { name, bytes: mb * 1e6, pinned: false, users: [], usedAt: 0, ...more }
}

const demand = (mb: number, budgetMb: number) =>
  ({ name: 'new', bytes: mb * 1e6, memory: 'host', budgetBytes: budgetMb * 1e6 }) as const

function victims(mb: number, budgetMb: number, holders: readonly Holder[]): string[] {
  return chooseVictims(demand(mb, budgetMb), holders).map(({ name }) => name)
}

function refusal(mb: number, budgetMb: number, holders: readonly Holder[]): unknown {
  try {
    chooseVictims(demand(mb, budgetMb), holders)
  } catch (error) {
    return error
  }
  return undefined
}

describe('chooseVictims', () => {
  it('evicts nobody when there is room', () => {
    expect(victims(40, 100, [holder('a', 60)])).toEqual([])
  })

  it('evicts the least recently used first, and only as many as needed', () => {
    const holders = [
      holder('newest', 30, { usedAt: 3 }),
      holder('oldest', 30, { usedAt: 1 }),
      holder('mid', 30, { usedAt: 2 }),
    ]
    expect(victims(30, 100, holders)).toEqual(['oldest'])
    expect(victims(60, 100, holders)).toEqual(['oldest', 'mid'])
  })

  it('spares a small model that is older, when one that has to go frees enough alone', () => {
    const holders = [holder('small', 5, { usedAt: 1 }), holder('large', 90, { usedAt: 2 })]
    expect(victims(50, 100, holders)).toEqual(['large'])
  })

  it('evicts neither a pinned model nor one in use, however old', () => {
    const holders = [
      holder('pinned', 30, { usedAt: 1, pinned: true }),
      holder('used', 30, { usedAt: 2, users: ['demo/objects'] }),
      holder('free', 30, { usedAt: 3 }),
    ]
    expect(victims(30, 100, holders)).toEqual(['free'])
  })

  it('evicts nobody when even all would not be enough, and says what is needed and what holds the memory', () => {
    const holders = [
      holder('yolov8n', 40, { pinned: true }),
      holder('pose', 20, { users: ['demo/poses', 'POST /api/pose', 'POST /api/pose'] }),
      holder('idle', 10),
    ]
    const error = refusal(50, 100, holders)
    expect(error).toMatchObject({
      code: 'busy',
      message:
        'Expected new, which takes 50 MB, to fit into the 100 MB of models.budget.host, but it is held by yolov8n 40 MB (pinned), ' +
        'pose 20 MB (in use by demo/poses, 2 × POST /api/pose), idle 10 MB. Try again when one of them is free, unload one, or ' +
        'raise models.budget.host',
    })
    expect([isShortage(error, 'now'), isShortage(error, 'ever')]).toEqual([true, false])
  })

  it('says that a model larger than the whole budget never fits', () => {
    const error = refusal(150, 100, [holder('idle', 10)])
    expect(error).toMatchObject({
      code: 'unavailable',
      message:
        'Expected new, which takes 150 MB, to fit into the 100 MB of models.budget.host. Raise models.budget.host',
    })
    expect([isShortage(error, 'now'), isShortage(error, 'ever')]).toEqual([false, true])
  })

  describe('for a place of which there is one', () => {
    const needy = { ...demand(10, Number.POSITIVE_INFINITY), place: 'the place' }
    const at = (name: string, more: Partial<Holder> = {}) => holder(name, 10, { place: 'the place', ...more })

    it('evicts who has it, however much room there is, and nobody else', () => {
      const holders = [holder('beside', 10), at('first'), holder('elsewhere', 10, { place: 'another' })]
      expect(chooseVictims(needy, holders).map(({ name }) => name)).toEqual(['first'])
    })

    it('counts what comes free by that', () => {
      const holders = [holder('old', 50), at('first', { bytes: 50e6, usedAt: 9 })]
      const names = chooseVictims({ ...needy, bytes: 50e6, budgetBytes: 100e6 }, holders).map(({ name }) => name)
      expect(names).toEqual(['first'])
    })

    it.each([
      ['in use', { users: ['POST /api/chat'] }, 'first 10 MB (in use by POST /api/chat)'],
      ['pinned', { pinned: true }, 'first 10 MB (pinned)'],
    ])('refuses, naming who has it, while that is %s', (_, more, described) => {
      const message = expect.stringContaining(`Expected the place to be free for new, but it is held by ${described}`)
      expect(() => chooseVictims(needy, [at('first', more)])).toThrow(
        expect.objectContaining({ code: 'busy', message }),
      )
    })
  })
})
