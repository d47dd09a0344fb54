import { addon, type DecodeOptions, type Tensor } from '../../engine/native/addon.ts'
import { hasTestData } from '../support/data.ts'
import { randomNumbers } from '../support/random.ts'
import { median } from './figures.ts'
import { type BenchRow, toRow } from './row.ts'

const places = 8400
const classes = 80
const runs = 3
const rounds = 101
const goal = 10
/** Goal for our time alone, in ms. */
const limitMs = 1

/** Decoding a head of YOLOv8 (84 × 8400, of a real street when the test data is there), against the same in plain TypeScript. */
export default async function bench(): Promise<BenchRow[]> {
  const { tensor, options } = hasTestData ? await realHead() : { tensor: madeUpHead(), options: plainOptions }
  expectSameRows(addon().decode([tensor], options), decodePlainly(tensor, options))
  const times = Array.from({ length: runs }, () => timeBoth(tensor, options))
  const ours = times.map((run) => run.ours)
  const peer = times.map((run) => run.peer)
  const common = { unit: 'ms', ours, peer, peerName: 'plain TypeScript', better: 'less' } as const
  return [
    toRow({ ...common, name: 'YOLOv8 decode + NMS 84×8400', goal }),
    toRow({ ...common, name: 'YOLOv8 decode + NMS 84×8400 (< 1)', met: (ms) => ms < limitMs }),
  ]
}

/** Medians in ms. First the one, then the other: each finds the head in the cache, as it lies there after the network. */
function timeBoth(tensor: Tensor, options: DecodeOptions): { ours: number; peer: number } {
  const timeOf = (work: () => unknown) => median(Array.from({ length: rounds }, () => time(work)))
  return {
    ours: timeOf(() => addon().decode([tensor], options)),
    peer: timeOf(() => decodePlainly(tensor, options)),
  }
}

const plainOptions: DecodeOptions = {
  kernel: 'yolo-v8',
  minScore: 0.25,
  iou: 0.45,
  maxRows: 300,
  classes: [],
  inputWidth: 640,
  inputHeight: 640,
  toSource: [2, 0, 0, 0, 2, 0],
  sourceWidth: 1280,
  sourceHeight: 1280,
}

async function realHead(): Promise<{ tensor: Tensor; options: DecodeOptions }> {
  const { openYolov8n } = await import('../support/yolo.ts')
  const run = await openYolov8n()
  return run('media/coco_075612.jpg')
}

/** Noise under the threshold, and 100 places over it: about what a street gives. */
function madeUpHead(): Tensor {
  const random = randomNumbers(1)
  const data = Float32Array.from({ length: (4 + classes) * places }, (_, i) => random() * (i < 4 * places ? 600 : 0.01))
  for (let i = 0; i < 100; i++) {
    const place = Math.floor(random() * places)
    data[(4 + Math.floor(random() * 3)) * places + place] = 0.3 + 0.6 * random()
  }
  return { data, shape: [1, 4 + classes, places] }
}

function expectSameRows(ours: Float32Array, peer: Float32Array): void {
  const same = ours.length === peer.length && ours.every((value, i) => Math.abs(value - (peer[i] ?? NaN)) < 1e-2)
  if (!same) throw new Error(`Expected both decoders to agree, received ${ours.length} and ${peer.length} values`)
}

function time(work: () => unknown): number {
  const start = performance.now()
  work()
  return performance.now() - start
}

interface Found {
  readonly place: number
  readonly score: number
  readonly label: number
}

type Box = readonly [x1: number, y1: number, x2: number, y2: number]

/** As one would write it with care and without SIMD: class by class along memory, then greedy suppression. */
function decodePlainly({ data }: Tensor, options: DecodeOptions): Float32Array {
  const kept: { readonly box: Box; readonly found: Found }[] = []
  for (const found of findBest(data, options.minScore)) {
    const box = boxAt(data, found.place)
    if (kept.some((better) => better.found.label === found.label && overlap(better.box, box) > options.iou)) continue
    kept.push({ box, found })
    if (kept.length === options.maxRows) break
  }
  return Float32Array.from(kept.flatMap(({ box, found }) => [...toSource(box, options), found.score, found.label]))
}

function findBest(data: Float32Array, minScore: number): Found[] {
  const best = data.slice(4 * places, 5 * places)
  const labels = new Uint8Array(places)
  for (let label = 1; label < classes; label++) {
    const row = (4 + label) * places
    for (let place = 0; place < places; place++) {
      const score = data[row + place] as number
      if (score <= (best[place] as number)) continue
      best[place] = score
      labels[place] = label
    }
  }
  const found: Found[] = []
  for (let place = 0; place < places; place++) {
    const score = best[place] as number
    if (score >= minScore) found.push({ place, score, label: labels[place] as number })
  }
  return found.sort((a, b) => b.score - a.score || a.place - b.place)
}

function boxAt(data: Float32Array, place: number): Box {
  const x = data[place] as number
  const y = data[places + place] as number
  const width = data[2 * places + place] as number
  const height = data[3 * places + place] as number
  return [x - width / 2, y - height / 2, x + width / 2, y + height / 2]
}

function overlap(first: Box, second: Box): number {
  const width = Math.min(first[2], second[2]) - Math.max(first[0], second[0])
  const height = Math.min(first[3], second[3]) - Math.max(first[1], second[1])
  if (width <= 0 || height <= 0) return 0
  const shared = width * height
  const areas = (first[2] - first[0]) * (first[3] - first[1]) + (second[2] - second[0]) * (second[3] - second[1])
  return shared / (areas - shared)
}

function toSource(box: Box, { toSource: [a, , c, , e, f], sourceWidth, sourceHeight }: DecodeOptions): Box {
  const x = (value: number) => Math.min(sourceWidth, Math.max(0, a * value + c))
  const y = (value: number) => Math.min(sourceHeight, Math.max(0, e * value + f))
  return [x(box[0]), y(box[1]), x(box[2]), y(box[3])]
}
