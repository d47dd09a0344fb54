import { pino } from 'pino'
import { Subject } from 'rxjs'
import { expect, it } from 'vitest'
import { Edge } from '../../engine/core/edge.ts'
import { createJoinedPacket } from '../../engine/core/joined-packet.ts'
import { createPacket, type PooledImage } from '../../engine/core/packet.ts'
import type { AnyPacket } from '../../engine/core/plugin.ts'
import { type LoadLimits, noLimits } from '../../engine/inference/load-governor.ts'
import type { TaskSession } from '../../engine/inference/vision.ts'
import { visionNodes } from '../../engine/inference/vision-task.ts'
import type { Tools } from '../../engine/tools.ts'
import { createVision, type VisionSetup } from '../support/vision.ts'
import { until } from '../support/wait.ts'

const frameEveryMs = 15
const lowered: LoadLimits = { level: 3, name: 'live', batchShare: 0.25, shareOf: (rank) => (rank === 3 ? 0.25 : 1) }

interface Question {
  readonly begunAt: number
  /** The newest frame of the camera at that moment. */
  readonly newest: number
  endedAt: number
}

/** A camera before a node with a real model, and what was asked of that and answered. */
class Stream {
  readonly asked: Question[] = []
  readonly answered: number[] = []
  readonly edge = new Edge('objects')
  readonly #frames = new Subject<AnyPacket>()
  readonly #image: PooledImage
  readonly #timer: NodeJS.Timeout
  #seq = -1

  constructor(setup: VisionSetup) {
    this.#image = setup.rgb(64, 48, new Uint8Array(3 * 64 * 48))
    const openTask: Tools['vision']['openTask'] = (...wanted) => this.#watch(setup.vision.openTask(...wanted))
    const tools = { vision: { openTask }, stream: 'objects', edge: this.edge, log: pino({ level: 'silent' }) }
    const node = visionNodes(setup.tasks).find(({ name }) => name === 'detect')!
    const results = this.#frames.pipe(node.create(node.options.parse({ priority: 3 }), tools as unknown as Tools))
    results.subscribe(({ seq }) => void this.answered.push((seq as number) ?? -1))
    this.#timer = setInterval(() => this.#give(), frameEveryMs)
  }

  /** Work that follows the given one, and how far apart they began in units of what the first one took. */
  spacings(from: number): number[] {
    const ended = this.asked.slice(from).filter(({ endedAt }) => endedAt > 0)
    return ended
      .slice(1)
      .map(({ begunAt }, i) => (begunAt - ended[i]!.begunAt) / (ended[i]!.endedAt - ended[i]!.begunAt))
  }

  end(): void {
    clearInterval(this.#timer)
    this.#frames.complete()
    this.#image.release()
  }

  #give(): void {
    this.#image.hold()
    const moment = { stream: 'camera', source: 'camera', seq: ++this.#seq, capturedAt: BigInt(this.#seq) }
    const frame = createPacket({ ...moment, payload: { kind: 'image', image: this.#image } })
    this.#frames.next(createJoinedPacket(frame, { image: frame }))
  }

  #watch(session: TaskSession): TaskSession {
    return {
      prepare: () => session.prepare(),
      ask: async (...question) => {
        const asked = { begunAt: performance.now(), newest: this.#seq, endedAt: 0 }
        this.asked.push(asked)
        const answer = await session.ask(...question)
        asked.endedAt = performance.now()
        return answer
      },
      [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
    }
  }
}

it('slows a live session at a raised level and lets it go on as before, always with the newest frame', async () => {
  await using setup = await createVision()
  const stream = new Stream(setup)
  await until('some answers', () => stream.answered.length >= 10, 60_000)
  expect(setup.vision.liveRanks()).toEqual([3])

  setup.vision.limitLoad(lowered)
  const [slowedFrom, droppedBefore] = [stream.asked.length, stream.edge.counts.dropped]
  await until('slowed answers', () => stream.answered.length >= slowedFrom + 6, 60_000)
  // A quarter of the time, less what lies between the session and this test.
  for (const spacing of stream.spacings(slowedFrom)) expect(spacing).toBeGreaterThan(3)
  expect(stream.edge.counts.dropped).toBeGreaterThan(droppedBefore)

  setup.vision.limitLoad(noLimits)
  const freeFrom = stream.asked.length
  await until('a session at full speed', () => stream.spacings(freeFrom).some((spacing) => spacing < 2), 60_000)

  stream.end()
  await until('the end of the session', () => setup.vision.liveRanks().length === 0)
  const fresh = stream.asked.slice(1, stream.answered.length)
  expect(stream.answered.slice(1)).toEqual(fresh.map(({ newest }) => newest))
  const { in: came, out, dropped, failed, waiting } = stream.edge.counts
  expect([out + dropped, failed, waiting]).toEqual([came, 0, 0])
  await until('all slots are back', () => setup.pool.ledger.stats().free === setup.pool.ledger.stats().slots)
}, 120_000)
