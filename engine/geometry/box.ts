/** x, y of the top left corner, width, height, as `bbox` in CONTRACT. */
export type Box = readonly [x: number, y: number, width: number, height: number]
/** x right, y down. */
export type Point = readonly [x: number, y: number]

/** Which point of a box says where its object is: the middle of the lower edge, where it stands, or the middle. */
export type Anchor = 'bottom' | 'centre'

/** Intersection over union, 0 to 1; 0 for boxes without area. */
export function iou(a: Box, b: Box): number {
  const width = Math.min(a[0] + a[2], b[0] + b[2]) - Math.max(a[0], b[0])
  const height = Math.min(a[1] + a[3], b[1] + b[3]) - Math.max(a[1], b[1])
  if (width <= 0 || height <= 0) return 0
  const common = width * height
  return common / (a[2] * a[3] + b[2] * b[3] - common)
}

/** The anchor of a box, in the box's units. */
export function anchorOf([x, y, width, height]: Box, anchor: Anchor): Point {
  return [x + width / 2, anchor === 'bottom' ? y + height : y + height / 2]
}
