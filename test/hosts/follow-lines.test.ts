import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { followLines } from '../../engine/hosts/follow-lines.ts'

describe('followLines', () => {
  it('puts lines together, leaves empty ones out and says the last one', async () => {
    const stream = new PassThrough()
    const lines: string[] = []
    followLines(stream, (line) => void lines.push(line))
    for (const part of ['one\ntw', 'o\n\n', 'thr', 'ee']) stream.write(part)
    stream.end()
    await new Promise((resolve) => stream.once('end', resolve))
    expect(lines).toEqual(['one', 'two', 'three'])
  })

  it('cuts long lines and counts what floods', async () => {
    const stream = new PassThrough()
    const lines: string[] = []
    let now = 5000
    followLines(
      stream,
      (line) => void lines.push(line),
      () => now,
    )
    stream.write('x'.repeat(2000))
    stream.write(`${'y'.repeat(100)}\n${'z\n'.repeat(99)}`)
    await new Promise((resolve) => setImmediate(resolve))
    expect(lines).toHaveLength(20)
    expect(Math.max(...lines.map((line) => line.length))).toBe(500)
    now += 1000
    stream.end('later\n')
    await new Promise((resolve) => stream.once('end', resolve))
    expect(lines.slice(20)).toEqual(['(80 more lines)', 'later'])
  })
})
