import { concatMap, from } from 'rxjs'
import { z } from 'zod'
import { runEach } from '../core/edge.ts'
import { type DetectedObject, derivePacket, type PacketOf } from '../core/packet.ts'
import { EngineError } from '../errors.ts'
import { anchorOf, type Point } from '../geometry/box.ts'
import { areaOf } from '../geometry/polygon.ts'
import { defineNode, type Tools } from '../tools.ts'
import { type CrossEvent, LineWatch } from '../tracking/line-watch.ts'
import { type Visitor, type ZoneEvent, ZoneWatch } from '../tracking/zone-watch.ts'

const point = z.tuple([z.number(), z.number()])
const classes = z.array(z.string().min(1)).min(1).optional()
const name = z.string().min(1).max(100)
const seconds = z.number().min(0).max(86_400)

const zone = z.strictObject({
  polygon: z
    .array(point)
    .min(3)
    .max(1000)
    .refine((corners) => areaOf(corners) > 0, 'Expected corners of a polygon, received points on one line'),
  /** Labels that count; all when left out. */
  classes,
  /** Seconds inside until `loiter`; never when left out. */
  loiterAfter: seconds.positive().optional(),
})
const line = z
  .strictObject({ from: point, to: point, classes })
  .refine(({ from, to }) => from[0] !== to[0] || from[1] !== to[1], 'Expected two different points, received one twice')

const options = z
  .strictObject({
    zones: z.record(name, zone).default({}),
    lines: z.record(name, line).default({}),
    /** Of all points: fractions of the frame's width and height, or pixels of it. */
    unit: z.enum(['fraction', 'pixels']).default('fraction'),
    /** What of the box is inside or outside: the middle of its lower edge, where one stands, or its middle. */
    anchor: z.enum(['bottom', 'centre']).default('bottom'),
    /** Against flicker: one leaves only so far outside, and is beyond a line only so far from it. In fractions of the frame's height. */
    margin: z.number().min(0).max(0.5).default(0.01),
    /** Who is unseen for so many seconds has left. As long as the tracker's `lostSeconds`, or ids come back too late. */
    lostSeconds: seconds.default(2),
  })
  .refine(({ zones, lines }) => Object.keys(zones).length + Object.keys(lines).length > 0, {
    message: 'Expected at least one of zones and lines, received none',
  })

type Options = z.output<typeof options>
type Happening = ZoneEvent | CrossEvent
type Watch = (visitors: readonly Visitor[], now: number) => Happening[]

/**
 * Events of tracked objects, one packet each: `enter`, `leave` (with `dwell` seconds), `loiter` and `count` of a zone, `cross` of
 * a line with its `direction`. A packet with an object that has no id fails, and says what to do.
 */
export default defineNode({
  name: 'zones',
  summary: 'Says who enters and leaves zones, how long they stay, and who crosses lines.',
  options,
  accepts: 'objects',
  emits: 'event',
  create: (wanted, tools: Tools) => {
    const watch = createWatch(wanted)
    let begin: bigint | undefined
    const happenings = (packet: PacketOf<'objects'>) => {
      begin ??= packet.capturedAt
      const events = watch(packet, Number(packet.capturedAt - begin) / 1e9)
      return events.map((event) => derivePacket(packet, tools.stream, { kind: 'event', ...event } as const))
    }
    return (packets) =>
      packets.pipe(
        runEach(tools.edge, (packet: PacketOf<'objects'>) => expectIds(packet)),
        concatMap((packet) => from(happenings(packet))),
      )
  },
})

function expectIds(packet: PacketOf<'objects'>): PacketOf<'objects'> {
  const without = packet.payload.objects.find(({ id }) => id === undefined)
  if (without === undefined) return packet
  throw new EngineError(
    'invalid',
    `Expected objects with an id, received a ${without.label} without one. Put the node track before zones`,
  )
}

/** The watches, made anew when the frame has another size. */
function createWatch(wanted: Options): (packet: PacketOf<'objects'>, now: number) => Happening[] {
  let watches: Watch[] = []
  let size = ''
  return ({ payload: { frame, objects } }, now) => {
    if (size !== `${frame.width}x${frame.height}`) watches = watchesFor(wanted, frame)
    size = `${frame.width}x${frame.height}`
    const visitors = objects.map((object) => toVisitor(object, wanted))
    return watches.flatMap((watch) => watch(visitors, now))
  }
}

function watchesFor(wanted: Options, frame: { readonly width: number; readonly height: number }): Watch[] {
  const [x, y] = wanted.unit === 'pixels' ? [1, 1] : [frame.width, frame.height]
  const scale = (at: Point): Point => [at[0] * x, at[1] * y]
  const settings = { margin: wanted.margin * frame.height, lostSeconds: wanted.lostSeconds }
  const zones = Object.entries(wanted.zones).map(([name, { polygon, ...rest }]): Watch => {
    const watch = new ZoneWatch({ name, polygon: polygon.map(scale), ...rest }, settings)
    return (visitors, now) => watch.update(visitors, now)
  })
  const lines = Object.entries(wanted.lines).map(([name, { from, to, ...rest }]): Watch => {
    const watch = new LineWatch({ name, from: scale(from), to: scale(to), ...rest }, settings)
    return (visitors, now) => watch.update(visitors, now)
  })
  return [...zones, ...lines]
}

function toVisitor({ id, label, bbox }: DetectedObject, { anchor }: Options): Visitor {
  return { id: id as number, label, at: anchorOf(bbox, anchor) }
}
