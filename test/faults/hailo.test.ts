import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { nowMs } from '../support/built-engine.ts'
import { type HailoLoad, startHailoLoad } from '../support/hailo-load.ts'
import { isRunning } from '../support/processes.ts'
import { standinIsBuilt } from '../support/standin.ts'
import { until } from '../support/wait.ts'

/** What a fault is, and by which backend the streams go on while it lasts and afterwards. How fast they are back is measured by the benchmark of the same name. */
interface Fault {
  readonly title: string
  readonly inflict: (load: HailoLoad) => Promise<unknown>
  /** The device is away until `mend`: the streams go on in ONNX Runtime. */
  readonly mend?: (load: HailoLoad) => Promise<unknown>
}

const signal =
  (name: NodeJS.Signals) =>
  async ({ engine }: HailoLoad) => {
    process.kill(await engine.hostPid('hailo-vision'), name)
  }
const command =
  (name: string, more = {}) =>
  (load: HailoLoad) =>
    load.command(name, more)

const faults: Fault[] = [
  { title: 'a host that dies', inflict: signal('SIGKILL') },
  { title: 'a host that stands still', inflict: signal('SIGSTOP') },
  { title: 'a device that goes away, and comes back', inflict: command('die') },
  { title: 'a link that breaks', inflict: command('disconnect') },
  { title: 'a device that hangs', inflict: command('hang'), mend: command('resume') },
  { title: 'a frame that fails', inflict: command('fail-job', { after: 3 }) },
  { title: 'a start of an inference that fails, which shuts its model down', inflict: command('fail-run') },
  {
    title: 'answers that are slow',
    inflict: command('delay-replies', { ms: 300 }),
    mend: command('delay-replies', { ms: 0 }),
  },
  { title: 'an answer that is lost', inflict: command('lose-reply', { count: 1 }) },
  {
    title: 'a device that slows down',
    inflict: command('throttle', { state: 3 }),
    mend: command('throttle', { state: 0 }),
  },
  {
    title: 'a load that finds no memory',
    inflict: async (load) => {
      await load.command('fail-load', { after: 0 })
      await signal('SIGKILL')(load)
    },
  },
]

describe.skipIf(!standinIsBuilt())('under 4 live streams and 20 clients', () => {
  let load: HailoLoad
  beforeAll(async () => {
    load = await startHailoLoad()
  }, 60_000)
  afterAll(() => load[Symbol.asyncDispose]())

  it.each(faults)('$title ends nothing but itself', { timeout: 120_000 }, async ({ inflict, mend }) => {
    const moment = nowMs()
    await inflict(load)
    if (mend) {
      await load.resumedAfter(moment)
      await mend(load)
    }
    await load.resumedAfter(nowMs(), 'hailo')
    await until('the device', async () => (await load.deviceState()) === 'ready', 60_000)
    expect(isRunning(load.engine.pid)).toBe(true)
  })

  it('is told in health and in every result while the device is away, and over when it is back', {
    timeout: 120_000,
  }, async () => {
    const moment = nowMs()
    await load.command('hang')
    await load.resumedAfter(moment, 'onnx')
    const { status, devices } = await load.engine.health()
    expect([status, devices.hailo?.state]).toEqual(['degraded', 'recovering'])
    for (const { arrivals } of load.viewers) {
      const message = arrivals.findLast(({ capturedAt }) => capturedAt > moment)?.message
      expect(message).toMatchObject({ backend: 'onnx' })
      expect(message).not.toHaveProperty('simulated')
    }
    await load.command('resume')
    await load.resumedAfter(nowMs(), 'hailo')
    expect(load.viewers[0]?.arrivals.at(-1)?.message).toMatchObject({ backend: 'hailo', simulated: true })
  })

  it('is told as an alarm of the device', { timeout: 60_000 }, async () => {
    await load.command('throttle', { state: 2 })
    await until('the notice', async () => (await load.engine.health()).devices.hailo?.notice === 'throttling 2', 30_000)
    await load.command('throttle', { state: 0 })
    await until('its end', async () => (await load.engine.health()).devices.hailo?.notice === undefined, 30_000)
  })

  it('ends every request with an answer, and loses no slot', { timeout: 120_000 }, async () => {
    await load.stopAsking()
    const { statuses, withoutRetry } = load.answers
    expect([...statuses.keys()].filter((status) => ![200, 503, 504].includes(status))).toEqual([])
    expect(statuses.get(200)).toBeGreaterThan(0)
    expect(withoutRetry).toBe(0)
    await Promise.all(load.viewers.map((viewer) => viewer.leave()))
    await until('all slots to be back', async () => (await load.engine.holdings()).slots.held === 0, 30_000)
    expect(await load.engine.holdings()).toMatchObject({ leaked: 0, staleLoans: 0 })
  })
})
