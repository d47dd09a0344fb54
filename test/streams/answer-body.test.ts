import { describe, expect, it, vi } from 'vitest'
import type { EngineError } from '../../engine/errors.ts'
import { answerBody } from '../../engine/streams/answer-body.ts'
import { settle } from '../support/fake-models.ts'
import { until } from '../support/wait.ts'

/** Lines that count themselves, and the end of whoever makes them. */
function countedLines(count: number, line = 'x'.repeat(100)) {
  const lines = { made: 0, ended: false, reason: undefined as EngineError | undefined }
  async function* make() {
    try {
      for (; lines.made < count; lines.made++) yield line
    } finally {
      lines.ended = true
    }
  }
  const onLeft = (reason: EngineError) => {
    lines.reason = reason
  }
  return Object.assign(lines, { make, onLeft })
}

describe('the body of an answer', () => {
  it('comes whole, and ends', async () => {
    const lines = countedLines(3, 'line\n')
    expect(await new Response(answerBody(lines.make(), lines)).text()).toBe('line\nline\nline\n')
    expect(lines).toMatchObject({ ended: true, reason: undefined })
  })

  it('is made ahead of a slow reader, so far and no further', async () => {
    const lines = countedLines(1000)
    const reader = answerBody(lines.make(), { onLeft: lines.onLeft, waitingBytes: 1000 }).getReader()
    await until('what may wait', () => lines.made === 9)
    await settle()
    expect(lines.made).toBe(9)
    await reader.read()
    await until('one more', () => lines.made === 10)
    await reader.cancel()
    await until('the end', () => lines.ended)
    expect(lines.reason?.code).toBe('cancelled')
  })

  it('is cut off when its reader takes nothing for too long, so that it holds nobody up', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const lines = countedLines(1000)
      const reader = answerBody(lines.make(), { onLeft: lines.onLeft, waitingBytes: 1000, stallMs: 5000 }).getReader()
      await settle()
      await vi.advanceTimersByTimeAsync(4000)
      await reader.read()
      await settle()
      await vi.advanceTimersByTimeAsync(4000)
      expect(lines.ended).toBe(false)
      await vi.advanceTimersByTimeAsync(1001)
      expect(lines).toMatchObject({ ended: true, reason: { code: 'timeout' } })
      await expect(reader.read()).rejects.toThrow('Expected the client to read on within 5 s')
    } finally {
      vi.useRealTimers()
    }
  })

  it('fails with what makes it, after what was made by then', async () => {
    async function* fail() {
      yield 'a'
      throw new Error('a bug')
    }
    const reader = answerBody(fail(), { onLeft: () => undefined }).getReader()
    await expect(async () => {
      while (!(await reader.read()).done);
    }).rejects.toThrow('a bug')
  })
})
