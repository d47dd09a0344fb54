/**
 * A part of an image that a network is asked about, which may be turned and mirrored: a point u, v of the unit square (right, down) lies
 * at x = a·u + b·v + c, y = d·u + e·v + f in pixels of the image. It may reach outside of the image.
 */
export type Crop = readonly [a: number, b: number, c: number, d: number, e: number, f: number]
type Point = readonly [x: number, y: number]

/** An upright box. */
export function boxCrop([x, y, width, height]: readonly [number, number, number, number]): Crop {
  return [width, 0, x, 0, height, y]
}

/** The parallelogram of three corners: where the part's top left, top right and bottom left are. */
export function cornerCrop(topLeft: Point, topRight: Point, bottomLeft: Point): Crop {
  const [x, y] = topLeft
  return [topRight[0] - x, bottomLeft[0] - x, x, topRight[1] - y, bottomLeft[1] - y, y]
}

/** The same part, turned by 180 degrees. */
export function turnAround([a, b, c, d, e, f]: Crop): Crop {
  return [-a, -b, a + b + c, -d, -e, d + e + f]
}

/** Width and height of the part in pixels of the image. */
export function sizeOf([a, b, , d, e]: Crop): readonly [width: number, height: number] {
  return [Math.hypot(a, d), Math.hypot(b, e)]
}

/** What lies between two shares 0 to 1 of its width. */
export function partOf([a, b, c, d, e, f]: Crop, from: number, to: number): Crop {
  return [a * (to - from), b, c + a * from, d * (to - from), e, f + d * from]
}

/** A square around its middle, turned by an angle in radians, which grows from the x axis towards the y axis. */
export function squareCrop([x, y]: Point, side: number, angle: number): Crop {
  const [cosine, sine] = [side * Math.cos(angle), side * Math.sin(angle)]
  return [cosine, -sine, x - cosine / 2 + sine / 2, sine, cosine, y - sine / 2 - cosine / 2]
}
