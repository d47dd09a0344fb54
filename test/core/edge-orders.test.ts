import { type Observable, Subject, type Subscription } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { Edge, type EdgePolicy, join, onDemand, runEach } from '../../engine/core/edge.ts'
import { derivePacket, type Packet } from '../../engine/core/packet.ts'
import type { JoinedPacket } from '../../engine/core/plugin.ts'
import { PacketMaker } from '../support/packets.ts'
import { seededPick } from '../support/random.ts'

const policies: readonly EdgePolicy[] = [
  'latest',
  { queue: 2, full: 'oldest' },
  { queue: 3, full: 'newest' },
  { queue: 1, full: 'block' },
]

interface Pending {
  readonly packet: Packet
  readonly resolve: (output: Packet | undefined) => void
  readonly reject: (error: Error) => void
}

/** camera ─▶ onDemand ─▶ two nodes, one behind the other; their results joined with the camera's pictures. */
function createGraph(pick: (below: number) => number) {
  const camera = new Subject<Packet>()
  const pending: Pending[] = []
  const policy = () => policies[pick(policies.length)] as EdgePolicy
  const edges = [
    new Edge('first', policy()),
    new Edge('second', policy()),
    new Edge('join'),
    new Edge('last', policy()),
  ]
  const [first, second, joining, last] = edges as [Edge, Edge, Edge, Edge]
  const later = (packet: Packet) =>
    new Promise<Packet | undefined>((resolve, reject) => pending.push({ packet, resolve, reject }))
  const prepare = () => (pick(4) === 0 ? prepareSoon(pick(3)) : undefined)
  const options = () => ({ concurrency: 1 + pick(3), prepare })
  const images = camera.pipe(onDemand(0))
  const slow = images.pipe(runEach(first, later, options()), onDemand(0))
  const values = slow.pipe(
    runEach(second, (packet: Packet) => asObjects(packet), options()),
    onDemand(0),
  )
  const inputs = { image: { packets: images }, objects: { packets: values } }
  const joined = join(joining, inputs, { wait: 1 + pick(4), toleranceMs: 50 }).pipe(
    runEach(last, ({ inputs }: JoinedPacket) => (inputs as Record<string, Packet>).image, options()),
  )
  const streams: readonly Observable<Packet>[] = [images, slow, values, joined]
  return { camera, pending, edges, streams }
}

/** Is ready at once or a little later, or refuses. */
async function prepareSoon(how: number): Promise<void> {
  if (how > 0) await new Promise((resolve) => setImmediate(resolve))
  if (how === 2) throw new Error('refused')
}

function asObjects(packet: Packet): Packet {
  const frame = { width: 1, height: 1 }
  return derivePacket(packet, 'o', { kind: 'objects', objects: [], frame, model: '', backend: '', simulated: false })
}

async function playRandomOrder(seed: number): Promise<void> {
  const pick = seededPick(seed)
  const maker = new PacketMaker(64)
  const { camera, pending, edges, streams } = createGraph(pick)
  const viewers: Subscription[] = []
  let seq = 0
  const settle = ({ packet, resolve, reject }: Pending) => {
    const how = pick(4)
    if (how === 0) reject(new Error('failed'))
    else if (how === 1) resolve(undefined)
    else if (how === 2) resolve(packet)
    else resolve(maker.image(packet.seq))
  }
  const takePending = () => pending.splice(pick(Math.max(1, pending.length)), 1).forEach(settle)
  const send = () => {
    const packet = maker.image(seq++)
    if (camera.observed) camera.next(packet)
    else packet[Symbol.dispose]()
  }
  const actions: readonly (() => void)[] = [
    send,
    send,
    takePending,
    takePending,
    () =>
      viewers.push(
        (streams[pick(streams.length)] as Observable<Packet>).subscribe((packet) => packet[Symbol.dispose]()),
      ),
    () => viewers.splice(pick(Math.max(1, viewers.length)), 1)[0]?.unsubscribe(),
  ]
  const expectBalance = () => {
    for (const { name, counts } of edges)
      expect(counts.in, `seed ${seed}, edge ${name}`).toBe(counts.out + counts.dropped + counts.failed + counts.waiting)
  }
  for (let step = 0; step < 80 && maker.pool.stats().free > 2; step++) {
    actions[pick(actions.length)]?.()
    expectBalance()
    if (pick(2) === 0) await new Promise((resolve) => setImmediate(resolve))
    expectBalance()
  }
  for (const viewer of viewers) viewer.unsubscribe()
  while (pending.length > 0) takePending()
  await new Promise((resolve) => setImmediate(resolve))
  expectBalance()
  expect(
    edges.map(({ counts }) => counts.waiting),
    `seed ${seed}`,
  ).toEqual([0, 0, 0, 0])
  expect(camera.observed, `seed ${seed}`).toBe(false)
  maker.expectNoneHeld()
}

describe('edges', () => {
  it('in any order count exactly and lose no image', async () => {
    for (let seed = 1; seed <= 500; seed++) await playRandomOrder(seed)
  })
})
