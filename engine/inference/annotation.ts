import type { DetectedObject, Keypoint } from '../core/packet.ts'

/** The sides of the image at which lines are one unit wide; larger images get thicker lines and larger text. */
const sideOfOneUnit = 400
const lineUnits = 1.5
const pointUnits = 2
const textUnits = 9
/** Advance of a letter of the sans-serif face, in text heights; measured wide enough for DejaVu Sans. */
const letterWidth = 0.62
const labelHeight = 1.35
/** Keypoints below this confidence, 0 to 1, are guesses, and not drawn. */
const minConfidence = 0.2

/** Easy to tell apart, and readable under dark text. */
const colours = [
  '#4ade80',
  '#60a5fa',
  '#f472b6',
  '#facc15',
  '#22d3ee',
  '#fb923c',
  '#c084fc',
  '#f87171',
  '#a3e635',
  '#2dd4bf',
]

/** Limbs between COCO's keypoints. */
const limbs: readonly (readonly [string, string])[] = [
  ['nose', 'left_eye'],
  ['nose', 'right_eye'],
  ['left_eye', 'left_ear'],
  ['right_eye', 'right_ear'],
  ['left_shoulder', 'right_shoulder'],
  ['left_shoulder', 'left_elbow'],
  ['left_elbow', 'left_wrist'],
  ['right_shoulder', 'right_elbow'],
  ['right_elbow', 'right_wrist'],
  ['left_shoulder', 'left_hip'],
  ['right_shoulder', 'right_hip'],
  ['left_hip', 'right_hip'],
  ['left_hip', 'left_knee'],
  ['left_knee', 'left_ankle'],
  ['right_hip', 'right_knee'],
  ['right_knee', 'right_ankle'],
]

/** An SVG of the image's size, transparent, with a box, a label and a skeleton for each object. Coordinates are pixels of the image. */
export function drawObjects(objects: readonly DetectedObject[], width: number, height: number): string {
  const unit = Math.max(1, Math.min(width, height) / sideOfOneUnit)
  const drawn = objects.map((object) => drawObject(object, unit, width))
  const font = `font-family="DejaVu Sans, sans-serif" font-weight="bold" font-size="${round(textUnits * unit)}"`
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ${font}>${drawn.join('')}</svg>`
}

function drawObject(object: DetectedObject, unit: number, imageWidth: number): string {
  const colour = colourOf(object)
  const [x, y, width, height] = object.bbox.map(round)
  const box = `<rect x="${x}" y="${y}" width="${width}" height="${height}" fill="none"/>`
  const skeleton = drawSkeleton(object.keypoints ?? [], unit, colour)
  const lines = `<g stroke="${colour}" stroke-width="${round(lineUnits * unit)}" stroke-linecap="round">${box}${skeleton}</g>`
  return lines + drawLabel(object, unit, imageWidth)
}

function drawSkeleton(keypoints: readonly Keypoint[], unit: number, colour: string): string {
  const points = new Map(
    keypoints.filter(({ confidence }) => confidence >= minConfidence).map((one) => [one.name, one]),
  )
  const lines = limbs.flatMap(([from, to]) => {
    const [a, b] = [points.get(from), points.get(to)]
    return a && b ? `<line x1="${round(a.x)}" y1="${round(a.y)}" x2="${round(b.x)}" y2="${round(b.y)}"/>` : []
  })
  const radius = round(pointUnits * unit)
  const dots = [...points.values()].map(
    ({ x, y }) => `<circle cx="${round(x)}" cy="${round(y)}" r="${radius}" fill="${colour}" stroke="none"/>`,
  )
  return [...lines, ...dots].join('')
}

/** A filled strip on the upper edge of the box, inside of the image, with dark text on it. */
function drawLabel(object: DetectedObject, unit: number, imageWidth: number): string {
  const { id, label, confidence, bbox } = object
  const text = `${id === undefined ? '' : `#${id} `}${label} ${Math.round(100 * confidence)} %`
  const size = textUnits * unit
  const [height, width] = [size * labelHeight, (text.length + 1) * size * letterWidth]
  const left = Math.max(0, Math.min(bbox[0], imageWidth - width))
  const top = Math.max(0, bbox[1] - height)
  const strip = `<rect x="${round(left)}" y="${round(top)}" width="${round(width)}" height="${round(height)}" fill="${colourOf(object)}"/>`
  const at = `x="${round(left + (size * letterWidth) / 2)}" y="${round(top + size)}"`
  return `${strip}<text ${at} fill="#111827">${escapeXml(text)}</text>`
}

/** By the track where there is one, so that a person keeps the colour; else by the label. */
function colourOf({ id, label }: DetectedObject): string {
  const number = id ?? [...label].reduce((hash, letter) => (hash * 31 + letter.codePointAt(0)!) % 9973, 7)
  return colours[number % colours.length]!
}

function escapeXml(text: string): string {
  const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: XML has no way to write control characters, so they go.
  return text.replace(/[\u0000-\u001f]/g, ' ').replace(/[&<>"]/g, (letter) => entities[letter]!)
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
