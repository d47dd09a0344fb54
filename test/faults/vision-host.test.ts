import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { StreamStatus } from '../../engine/core/running-stream.ts'
import {
  type Arrival,
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
/** A ping a second, 4 s for its answer, and the bound above. */
const replacedMs = 5000 + backMs
const maxGrowth = 4e6

/** More frames than any machine has answers for, so that a frame is asked about at every moment: also when the machine is full, which that makes it. */
const pipeline = {
  name: 'faults',
  streams: {
    camera: { source: 'test', pattern: 'ball', size: '320x240', rate: 60, linger: 0 },
    objects: { from: 'camera', node: 'detect', model: 'centernet-mobilenet', priority: 31 },
  },
  publish: ['objects'],
}

/** An engine whose vision host and model are there, with what it holds while nobody watches. */
async function startDetecting() {
  const engine = await startBuiltEngine({ pipelines: [pipeline], 'hosts.threads': 1 })
  const first = watchTopic(engine.socketUrl, 'faults/objects')
  await until('the first result', () => first.arrivals.length > 0, 30_000)
  await first.leave()
  await until('the source to be closed', async () => (await statusOf(engine, 'camera')).state === 'idle')
  // The host may still be at work on the last frame, for long on a busy machine.
  await until('the last image to be given back', async () => (await engine.holdings()).slots.held === 0)
  const before = await restingHoldings(engine)
  const viewer = watchTopic(engine.socketUrl, 'faults/objects')
  await until('results', () => viewer.arrivals.length > 3)
  return { engine, before, viewer }
}

async function statusOf(engine: BuiltEngine, stream: string): Promise<StreamStatus> {
  const { pipelines } = await engine.health()
  return pipelines[0]?.streams.find(({ name }) => name === stream) as StreamStatus
}

/** The first result of a frame that was captured after this moment. */
function resultAfter({ arrivals }: Viewer, moment: number, deadlineMs?: number): Promise<Arrival> {
  return until('a result', () => arrivals.find(({ capturedAt }) => capturedAt > moment), deadlineMs)
}

async function expectBalance(engine: BuiltEngine): Promise<void> {
  for (const { name, ...counts } of (await engine.health()).pipelines[0]?.streams ?? [])
    expect(counts.in, name).toBe(counts.out + counts.dropped + counts.failed + counts.waiting)
}

/** Nothing that came since is about as old as the outage: what waited for the next host was replaced by what is new. */
function expectFresh({ arrivals }: Viewer, killedAt: number, backAt: number): void {
  const ages = arrivals.filter(({ at }) => at > killedAt && at <= backAt).map(({ at, capturedAt }) => at - capturedAt)
  const outage = backAt - killedAt
  expect(Math.max(...ages), `ages ${ages.map(Math.round)}, outage ${outage}`).toBeLessThan(0.8 * outage)
}

describe('the vision host', () => {
  it('is back within 3 s of each of 20 SIGKILLs in the middle of a frame, and nothing is lost', {
    timeout: 120_000,
  }, async () => {
    const { engine, before, viewer } = await startDetecting()
    await using _ = engine
    const random = randomNumbers(3)
    const resident: number[] = []
    for (let i = 0; i < 20; i++) {
      await sleep(random() * 1000)
      process.kill(await engine.hostPid('vision'), 'SIGKILL')
      const killedAt = nowMs()
      const back = await resultAfter(viewer, killedAt)
      expect(back.at - killedAt, `after SIGKILL ${i}`).toBeLessThan(backMs)
      expectFresh(viewer, killedAt, back.at)
      await expectBalance(engine)
      // Each took the one frame with it that was asked about, and none that waited.
      expect(await statusOf(engine, 'objects')).toMatchObject({ failed: i + 1 })
      resident.push(await engine.residentBytes())
    }
    await viewer.leave()
    await expectHoldings(engine, before)
    await expectBalance(engine)
    expectNoGrowth(resident, maxGrowth)
  })

  it('is killed and replaced when it stands still in the middle of a frame, which it has until it was reaped', {
    timeout: 60_000,
  }, async () => {
    const { engine, before, viewer } = await startDetecting()
    await using _ = engine
    const pid = await engine.hostPid('vision')
    process.kill(pid, 'SIGSTOP')
    const stoppedAt = nowMs()
    const heldMeanwhile: number[] = []
    await until('the end of the stopped host', async () => {
      const { slots } = await engine.holdings()
      if (!isRunning(pid)) return true
      heldMeanwhile.push(slots.held)
      return false
    })
    expect(Math.min(...heldMeanwhile)).toBeGreaterThan(0)
    const back = await resultAfter(viewer, stoppedAt, 20_000)
    expect(back.at - stoppedAt).toBeLessThan(replacedMs)
    expectFresh(viewer, stoppedAt, back.at)
    await viewer.leave()
    await expectHoldings(engine, before)
    await expectBalance(engine)
  })
})
