import type { ResultMessage, ResultObject } from '../engine/streams/wire.ts'

/** Colours that stand out on any picture and from each other; the page's legend uses the same. */
const palette = ['#5eead4', '#fbbf24', '#f472b6', '#60a5fa', '#a3e635', '#c4b5fd', '#fb923c', '#22d3ee']
const halo = 'rgb(4 10 16 / 55%)'
const ink = '#06110f'
/** Joints that the model is less sure of than this are not drawn. */
const minJointConfidence = 0.3
/** A skeleton's box that covers another topic's box this well is the same person: one box is enough. */
const sameBoxIou = 0.7

/** COCO's skeleton, by the names of its keypoints. */
const limbs = [
  ['left_ankle', 'left_knee'],
  ['left_knee', 'left_hip'],
  ['right_ankle', 'right_knee'],
  ['right_knee', 'right_hip'],
  ['left_hip', 'right_hip'],
  ['left_shoulder', 'left_hip'],
  ['right_shoulder', 'right_hip'],
  ['left_shoulder', 'right_shoulder'],
  ['left_shoulder', 'left_elbow'],
  ['right_shoulder', 'right_elbow'],
  ['left_elbow', 'left_wrist'],
  ['right_elbow', 'right_wrist'],
  ['left_eye', 'right_eye'],
  ['nose', 'left_eye'],
  ['nose', 'right_eye'],
  ['left_eye', 'left_ear'],
  ['right_eye', 'right_ear'],
  ['left_ear', 'left_shoulder'],
  ['right_ear', 'right_shoulder'],
] as const

type Box = readonly [x: number, y: number, width: number, height: number]

/** Lengths in canvas pixels, chosen by the canvas's size. */
interface Pen {
  readonly context: CanvasRenderingContext2D
  readonly line: number
  readonly text: number
}

/** The same colour for the same track, else for the same label. */
export function colourOf(object: ResultObject): string {
  const number = object.id ?? [...object.label].reduce((sum, letter) => sum + (letter.codePointAt(0) ?? 0), 1)
  return palette[number % palette.length]!
}

/** Intersection over union of two boxes `[x, y, width, height]`, 0 to 1. */
export function boxIou(a: Box, b: Box): number {
  const width = Math.min(a[0] + a[2], b[0] + b[2]) - Math.max(a[0], b[0])
  const height = Math.min(a[1] + a[3], b[1] + b[3]) - Math.max(a[1], b[1])
  if (width <= 0 || height <= 0) return 0
  return (width * height) / (a[2] * a[3] + b[2] * b[3] - width * height)
}

/** Boxes worth drawing: those of plain detections, and those of skeletons that no detection covers. */
export function distinctBoxes(objects: readonly ResultObject[]): ResultObject[] {
  const boxes = objects.filter((object) => object.keypoints === undefined)
  for (const object of objects) {
    if (object.keypoints === undefined) continue
    if (boxes.every((box) => boxIou(box.bbox, object.bbox) < sameBoxIou)) boxes.push(object)
  }
  return boxes
}

/** Draws the results on the canvas, which holds the picture they belong to. `pixelRatio`: canvas pixels in a CSS pixel. */
export function drawOverlay(
  context: CanvasRenderingContext2D,
  results: readonly ResultMessage[],
  pixelRatio: number,
): ResultObject[] {
  const { width, height } = context.canvas
  const pen: Pen = { context, line: pixelRatio * (width / pixelRatio > 620 ? 2 : 1.5), text: pixelRatio * 12 }
  const objects = results.flatMap((result) => inCanvasPixels(result, width, height))
  const boxes = distinctBoxes(objects)
  for (const object of boxes) drawBox(pen, object)
  for (const object of objects) drawSkeleton(pen, object)
  for (const object of boxes) drawLabel(pen, object)
  return results.flatMap((result) => result.objects ?? [])
}

function inCanvasPixels(result: ResultMessage, width: number, height: number): ResultObject[] {
  const x = width / (result.frame?.width ?? width)
  const y = height / (result.frame?.height ?? height)
  return (result.objects ?? []).map(({ keypoints, ...object }) => ({
    ...object,
    bbox: [object.bbox[0] * x, object.bbox[1] * y, object.bbox[2] * x, object.bbox[3] * y],
    ...(keypoints && { keypoints: keypoints.map((point) => ({ ...point, x: point.x * x, y: point.y * y })) }),
  }))
}

function drawBox({ context, line }: Pen, object: ResultObject): void {
  context.beginPath()
  context.roundRect(...object.bbox, line * 2)
  stroke(context, colourOf(object), line)
}

function drawSkeleton({ context, line }: Pen, object: ResultObject): void {
  const joints = (object.keypoints ?? []).filter((point) => point.confidence >= minJointConfidence)
  if (joints.length === 0) return
  const byName = new Map(joints.map((point) => [point.name, point]))
  context.beginPath()
  for (const [from, to] of limbs) {
    const [a, b] = [byName.get(from), byName.get(to)]
    if (a === undefined || b === undefined) continue
    context.moveTo(a.x, a.y)
    context.lineTo(b.x, b.y)
  }
  stroke(context, colourOf(object), line)
  context.beginPath()
  for (const { x, y } of joints) {
    context.moveTo(x + line, y)
    context.arc(x, y, line, 0, 2 * Math.PI)
  }
  context.fillStyle = '#fff'
  context.fill()
}

/** A coloured line on a darker, wider one, to be seen on light and dark pictures. */
function stroke(context: CanvasRenderingContext2D, colour: string, line: number): void {
  context.lineJoin = context.lineCap = 'round'
  context.lineWidth = line * 2
  context.strokeStyle = halo
  context.stroke()
  context.lineWidth = line
  context.strokeStyle = colour
  context.stroke()
}

function drawLabel({ context, text }: Pen, object: ResultObject): void {
  const track = object.id === undefined ? '' : `#${object.id} `
  const label = `${track}${object.identity ?? object.label} ${Math.round(object.confidence * 100)}%`
  context.font = `600 ${text}px system-ui, sans-serif`
  context.textBaseline = 'middle'
  const [width, height] = [context.measureText(label).width + text, text * 1.5]
  const x = clamp(object.bbox[0], 0, context.canvas.width - width)
  const y = clamp(object.bbox[1] - height - text / 6, 0, context.canvas.height - height)
  context.beginPath()
  context.roundRect(x, y, width, height, text / 4)
  context.fillStyle = colourOf(object)
  context.fill()
  context.fillStyle = ink
  context.fillText(label, x + text / 2, y + height / 2)
}

function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(value, high))
}
