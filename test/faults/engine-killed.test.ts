import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { startBuiltEngine, watchTopic } from '../support/built-engine.ts'
import { hostsOf, isRunning } from '../support/processes.ts'
import { randomNumbers } from '../support/random.ts'
import { until } from '../support/wait.ts'

/** The bound. */
const goneMs = 1000

const source = { source: 'test', size: '320x240', rate: 60 }
/** More frames than there are answers for: the vision host is in the middle of one at every moment. */
const pipeline = {
  name: 'faults',
  streams: { one: source, other: source, objects: { from: 'one', node: 'detect', model: 'centernet-mobilenet' } },
  publish: ['one', 'other', 'objects'],
}

/** A built engine, and viewers of all that it has. */
async function startWatched() {
  const engine = await startBuiltEngine({ pipelines: [pipeline] })
  const viewers = pipeline.publish.map((name) => watchTopic(engine.socketUrl, `faults/${name}`))
  return { engine, viewers }
}

/** SIGKILL; then no process that it started is there any more. */
async function expectNoneLeft(pid: number): Promise<void> {
  const hosts = hostsOf(pid)
  process.kill(pid, 'SIGKILL')
  await until('the end of the engine', () => !isRunning(pid))
  const killedAt = performance.now()
  await until('the end of every host', () => hostsOf(pid).length === 0 && !hosts.some(isRunning))
  expect(performance.now() - killedAt).toBeLessThan(goneMs)
}

describe('SIGKILL of the engine', () => {
  it.each([
    { state: 'all hosts are at work, one in the middle of an inference', stopped: [] },
    { state: 'a capture host is stopped', stopped: ['capture:faults/one'] },
    { state: 'the vision host is stopped in the middle of an inference', stopped: ['vision'] },
    { state: 'every host is stopped', stopped: ['vision', 'capture:faults/one', 'capture:faults/other'] },
  ])('leaves no host after 1 s when $state', { timeout: 60_000 }, async ({ stopped }) => {
    const { engine, viewers } = await startWatched()
    await using _ = engine
    await until('all streams', () => viewers.every(({ arrivals }) => arrivals.length > 3), 30_000)
    expect(hostsOf(engine.pid)).toHaveLength(3)
    for (const name of stopped) process.kill(await engine.hostPid(name), 'SIGSTOP')
    await expectNoneLeft(engine.pid)
  })

  it('leaves no host after 1 s when they are just starting, at any moment of that', { timeout: 60_000 }, async () => {
    const random = randomNumbers(4)
    for (let i = 0; i < 5; i++) {
      const { engine } = await startWatched()
      await using _ = engine
      await until('the first host', () => hostsOf(engine.pid).length > 0)
      await sleep(random() * 250)
      await expectNoneLeft(engine.pid)
    }
  })
})
