import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { ResultMessage } from '../../engine/streams/wire.ts'
import {
  type BuiltEngine,
  expectHoldings,
  expectNoGrowth,
  nowMs,
  restingHoldings,
  startBuiltEngine,
  type Viewer,
  watchTopic,
} from '../support/built-engine.ts'
import { isRunning } from '../support/processes.ts'
import { randomNumbers } from '../support/random.ts'
import { until } from '../support/wait.ts'

/** The bound. */
const backMs = 3000
/** What is left of a fault is at most this, in bytes, after 200 of them; Node itself keeps some KB of each child that it has started. */
const maxGrowth = 4e6
/** A silent source is opened anew after 3 s at most; its host is asked to leave, has 2 s, and is then killed. */
const replacedMs = 8000

const source = { source: 'test', pattern: 'ball', size: '320x240', rate: 30, linger: 0 }

/** An engine with sources of these names, and who hears of their states. */
async function startSources(names: readonly string[]) {
  const streams = Object.fromEntries(names.map((name) => [name, source]))
  const engine = await startBuiltEngine({ pipelines: [{ name: 'faults', streams, publish: names }] })
  const states = new Map(names.map((name) => [name, watchTopic(engine.socketUrl, `faults/${name}/state`)]))
  await until('the first states', () => [...states.values()].every(({ arrivals }) => arrivals.length > 0))
  return { engine, states: (name: string) => states.get(name) as Viewer }
}

const toStates = ({ arrivals }: Viewer) => arrivals.map(({ message }) => (message as ResultMessage).event?.state)

/** One subscriber who comes, gets a picture, and leaves; ends when the source is closed. */
async function reopen(engine: BuiltEngine, name: string, states: Viewer): Promise<void> {
  const viewer = watchTopic(engine.socketUrl, `faults/${name}`)
  await until(`a picture of ${name}`, () => viewer.arrivals.length > 0, 20_000)
  await viewer.leave()
  await until(`${name} to be closed`, () => toStates(states).at(-1) === 'idle')
}

/** Ends the host at a random moment of its start: its successor must bring the stream back. */
async function killWhileStarting(engine: BuiltEngine, killed: number, random: () => number): Promise<void> {
  const pid = await until('the next host', async () => {
    const next = await engine.hostPid('capture:faults/a')
    return next === killed ? undefined : next
  })
  await sleep(random() * 200)
  process.kill(pid, 'SIGKILL')
}

describe('capture hosts', () => {
  // Four sources side by side, 75 openings each: a start of a process is CPU time, which two cores share.
  it('leave nothing behind after 300 reopenings', { timeout: 300_000 }, async () => {
    const names = ['a', 'b', 'c', 'd']
    const { engine, states } = await startSources(names)
    await using _ = engine
    const openAll = () => Promise.all(names.map((name) => reopen(engine, name, states(name))))
    await openAll()
    const before = await restingHoldings(engine)
    const resident: number[] = []
    for (let opened = names.length; opened <= 300; opened += names.length) {
      await openAll()
      if (opened > 100 && opened % 20 === 0) resident.push(await engine.residentBytes())
    }
    for (const name of names) expect(toStates(states(name)).filter((state) => state === 'opening')).toHaveLength(76)
    await expectHoldings(engine, before)
    expectNoGrowth(resident, maxGrowth)
  })

  it('are back within 3 s of each of 20 SIGKILLs, and nothing is lost', { timeout: 120_000 }, async () => {
    const { engine, states } = await startSources(['a'])
    await using _ = engine
    const random = randomNumbers(20)
    await reopen(engine, 'a', states('a'))
    const before = await restingHoldings(engine)
    const viewer = watchTopic(engine.socketUrl, 'faults/a')
    await until('the first picture', () => viewer.arrivals.length > 0)
    const resident: number[] = []
    for (let i = 0; i < 20; i++) {
      await sleep(random() * 2000)
      const pid = await engine.hostPid('capture:faults/a')
      const told = states('a').arrivals.length
      process.kill(pid, 'SIGKILL')
      if (i % 10 === 0) await killWhileStarting(engine, pid, random)
      const killedAt = nowMs()
      const live = await until('live again', () =>
        states('a')
          .arrivals.slice(told)
          .find(({ message }) => (message as ResultMessage).event?.state === 'live'),
      )
      const back = await until('a picture', () =>
        viewer.arrivals.find(({ at, capturedAt }) => at >= live.at && capturedAt > killedAt),
      )
      expect(back.at - killedAt, `after SIGKILL ${i}`).toBeLessThan(backMs)
      resident.push(await engine.residentBytes())
    }
    const seqs = viewer.arrivals.map(({ seq }) => seq)
    expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b))
    await viewer.leave()
    await expectHoldings(engine, before)
    expectNoGrowth(resident, maxGrowth)
  })

  it('is replaced when it stands still, and has its slots until it was reaped', { timeout: 60_000 }, async () => {
    const { engine, states } = await startSources(['a'])
    await using _ = engine
    await reopen(engine, 'a', states('a'))
    const before = await restingHoldings(engine)
    const viewer = watchTopic(engine.socketUrl, 'faults/a')
    await until('a second of pictures', () => viewer.arrivals.length > source.rate)
    const pid = await engine.hostPid('capture:faults/a')
    process.kill(pid, 'SIGSTOP')
    const stoppedAt = nowMs()
    const lentMeanwhile: number[] = []
    await until('the end of the stopped host', async () => {
      const { slots } = await engine.holdings()
      if (!isRunning(pid)) return true
      lentMeanwhile.push(slots.lent)
      return false
    })
    expect(Math.min(...lentMeanwhile)).toBeGreaterThan(0)
    const back = await until('a picture', () => viewer.arrivals.find(({ capturedAt }) => capturedAt > stoppedAt))
    expect(back.at - stoppedAt).toBeLessThan(replacedMs)
    await viewer.leave()
    await expectHoldings(engine, before)
  })
})
