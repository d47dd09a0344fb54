import { describe, expect, it } from 'vitest'
import { EngineError } from '../engine/errors.ts'
import type { Logger } from '../engine/log.ts'
import { Problems, reportClockStep, reportHostStart, reportWriting } from '../engine/problems.ts'
import { StillClock } from './support/topic-packets.ts'

function createProblems() {
  const clock = new StillClock()
  const told: unknown[] = []
  const write = (fields: object, message: string) => void told.push([message, fields])
  const problems = new Problems(clock, { warn: write, info: write } as unknown as Logger)
  const pass = (ms: number) => (clock.nowNs += BigInt(ms) * 1_000_000n)
  return { problems, told, pass, startMs: clock.toUnixMs(0n) }
}

const unavailable = (message: string) => new EngineError('unavailable', message)

describe('problems', () => {
  it('last until every source has cleared its own, and are logged when they come and when they go', () => {
    const { problems, told, pass, startMs } = createProblems()
    problems.report('disk', { source: 'watch', detail: 'little room' })
    pass(1000)
    problems.report('disk', { source: 'store', detail: 'no room' })
    problems.report('disk', { source: 'watch', detail: 'less room' })
    expect(problems.list()).toEqual([{ name: 'disk', detail: 'less room; no room', since: startMs }])
    problems.clear('disk', 'watch')
    problems.clear('disk', 'nobody')
    expect(problems.list()).toEqual([{ name: 'disk', detail: 'no room', since: startMs }])
    problems.clear('disk', 'store')
    expect(problems.list()).toEqual([])
    problems.clear('disk', 'store')
    expect(told).toEqual([
      ['a problem has come', { problem: 'disk', detail: 'little room' }],
      ['the problem is over', { problem: 'disk', lastedMs: 1000 }],
    ])
  })

  it('that happened once are forgotten after their time, counted from the last time', () => {
    const { problems, pass } = createProblems()
    reportClockStep(problems, 3_600_000)
    pass(59_000)
    reportClockStep(problems, -7_200_000)
    pass(59_999)
    expect(problems.list()).toMatchObject([{ name: 'clock', detail: expect.stringContaining('back by 7200.0 s') }])
    pass(1)
    expect(problems.list()).toEqual([])
  })

  it.each([
    ['spawn ENOMEM', 'memory'],
    ['SIGTRAP: # Fatal process OOM in Failed to reserve virtual memory for CodeRange', 'memory'],
    ['status 1: Error: Expected mapping the image pool to work, received: Cannot allocate memory', 'memory'],
    ['spawn /usr/bin/node EAGAIN', 'processes'],
    ['spawn /usr/bin/node EMFILE', 'descriptors'],
  ] as const)('name what a host lacks that ended with %s, until it is up', (reason, name) => {
    const { problems } = createProblems()
    const onStart = reportHostStart(problems)
    onStart('vision', unavailable(reason))
    expect(problems.list()).toMatchObject([{ name, detail: expect.stringContaining(reason) }])
    onStart('capture:p/camera', undefined)
    expect(problems.list()).toHaveLength(1)
    onStart('vision', undefined)
    expect(problems.list()).toEqual([])
  })

  it('follow a host that lacks something else the next time; a failure of its own is none', () => {
    const { problems } = createProblems()
    const onStart = reportHostStart(problems)
    onStart('vision', unavailable('spawn ENOMEM'))
    onStart('vision', unavailable('spawn node EAGAIN'))
    expect(problems.list()).toMatchObject([{ name: 'processes' }])
    onStart('vision', unavailable('SIGSEGV'))
    expect(problems.list()).toEqual([])
  })

  it('hold what the disk refused, until it takes a file', () => {
    const { problems } = createProblems()
    const onWritten = reportWriting(problems)
    onWritten(unavailable('ENOSPC'))
    expect(problems.list()).toMatchObject([{ name: 'disk', detail: 'ENOSPC' }])
    onWritten(undefined)
    expect(problems.list()).toEqual([])
  })
})
