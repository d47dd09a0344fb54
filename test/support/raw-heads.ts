import type { DecodeOptions, Tensor } from '../../engine/native/addon.ts'

/** A network's input that is no square, so that a swap of width and height shows. */
export const rawInput = { width: 96, height: 64 } as const

export const rawStrides = [8, 16, 32] as const

/** Decodes to input pixels: source and input are one. */
export function plainOptions(kernel: string): DecodeOptions {
  return {
    kernel,
    minScore: 0.3,
    iou: 0.45,
    maxRows: 300,
    classes: [],
    inputWidth: rawInput.width,
    inputHeight: rawInput.height,
    toSource: [1, 0, 0, 0, 1, 0],
    sourceWidth: rawInput.width,
    sourceHeight: rawInput.height,
  }
}

/** One stride's cells in order, and `channels` values in each: `values[cell][channel]`. */
export interface RawHead {
  readonly stride: number
  readonly columns: number
  readonly rows: number
  readonly values: readonly (readonly number[])[]
}

export function rawHead(stride: number, channels: number, value: (channel: number) => number): RawHead {
  const columns = rawInput.width / stride
  const rows = rawInput.height / stride
  const values = Array.from({ length: columns * rows }, () => Array.from({ length: channels }, (_, i) => value(i)))
  return { stride, columns, rows, values }
}

/** Channels `from` up to `to` of the head as a tensor [1, channels, h, w] or [1, h, w, channels]. */
export function headTensor(head: RawHead, layout: 'nchw' | 'nhwc', from: number, to: number): Tensor {
  const picked = head.values.map((cell) => cell.slice(from, to))
  const channels = to - from
  if (layout === 'nhwc')
    return { data: Float32Array.from(picked.flat()), shape: [1, head.rows, head.columns, channels] }
  const planes = Array.from({ length: channels }, (_, channel) => picked.map((cell) => cell[channel] ?? 0))
  return { data: Float32Array.from(planes.flat()), shape: [1, channels, head.rows, head.columns] }
}

/** Rows `[place][feature]` as one tensor [1, features, places] or [1, places, features]. */
export function matrixTensor(rows: readonly (readonly number[])[], first: 'features' | 'places'): Tensor {
  const features = rows[0]?.length ?? 0
  if (first === 'places') return { data: Float32Array.from(rows.flat()), shape: [1, rows.length, features] }
  const columns = Array.from({ length: features }, (_, feature) => rows.map((row) => row[feature] ?? 0))
  return { data: Float32Array.from(columns.flat()), shape: [1, features, rows.length] }
}

export function sigmoid(value: number): number {
  return 1 / (1 + Math.exp(-value))
}

/** What the exported graph of YOLOv8 does inside: 64 box channels, then class logits, then 51 of joints if any. */
export function decodeInGraph(head: RawHead, classes: number): number[][] {
  return head.values.map((cell, place) => {
    const x = place % head.columns
    const y = Math.floor(place / head.columns)
    const [left = 0, top = 0, right = 0, bottom = 0] = [0, 1, 2, 3].map((side) => expectation(cell, side))
    const box = [x + 0.5 + (right - left) / 2, y + 0.5 + (bottom - top) / 2, left + right, top + bottom]
    const scores = cell.slice(64, 64 + classes).map(sigmoid)
    const joints = cell.slice(64 + classes).map((value, i) => {
      if (i % 3 === 2) return sigmoid(value)
      return (value * 2 + (i % 3 === 0 ? x : y)) * head.stride
    })
    return [...box.map((value) => value * head.stride), ...scores, ...joints]
  })
}

function expectation(cell: readonly number[], side: number): number {
  const weights = cell.slice(side * 16, side * 16 + 16).map(Math.exp)
  const sum = weights.reduce((total, weight) => total + weight, 0)
  return weights.reduce((total, weight, bin) => total + (weight / sum) * bin, 0)
}

const anchorSizes: Readonly<Record<number, readonly (readonly [number, number])[]>> = {
  8: [
    [10, 13],
    [16, 30],
    [33, 23],
  ],
  16: [
    [30, 61],
    [62, 45],
    [59, 119],
  ],
  32: [
    [116, 90],
    [156, 198],
    [373, 326],
  ],
}

/** What the exported graph of YOLOv5 does inside, for the three anchors of a head one after another. */
export function decodeAnchorsInGraph(head: RawHead): number[][] {
  const features = (head.values[0]?.length ?? 0) / 3
  return (anchorSizes[head.stride] ?? []).flatMap(([width, height], anchor) =>
    head.values.map((cell, place) => {
      const [x = 0, y = 0, w = 0, h = 0, ...scores] = cell
        .slice(anchor * features, (anchor + 1) * features)
        .map(sigmoid)
      const column = place % head.columns
      const row = Math.floor(place / head.columns)
      const centre = [(x * 2 - 0.5 + column) * head.stride, (y * 2 - 0.5 + row) * head.stride]
      return [...centre, (w * 2) ** 2 * width, (h * 2) ** 2 * height, ...scores]
    }),
  )
}
