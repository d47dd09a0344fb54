import type { DetectedObject } from '../core/packet.ts'
import { scaleMask } from '../geometry/mask-runs.ts'

interface Size {
  readonly width: number
  readonly height: number
}

/** Objects found in a picture of size `from`, in pixels of the same picture at size `to`. */
export function scaleObjects(objects: readonly DetectedObject[], from: Size, to: Size): readonly DetectedObject[] {
  const [fx, fy] = [to.width / from.width, to.height / from.height]
  if (fx === 1 && fy === 1) return objects
  const scaleBox = ([x, y, width, height]: DetectedObject['bbox']) => [x * fx, y * fy, width * fx, height * fy] as const
  return objects.map((object) => {
    const { keypoints, mask, polygon, words } = object
    return {
      ...object,
      bbox: scaleBox(object.bbox),
      ...(keypoints && { keypoints: keypoints.map((point) => ({ ...point, x: point.x * fx, y: point.y * fy })) }),
      ...(polygon && { polygon: polygon.map(([x, y]) => [x * fx, y * fy] as const) }),
      ...(words && { words: words.map((word) => ({ ...word, bbox: scaleBox(word.bbox) })) }),
      ...(mask && { mask: scaleMask(mask, [to.height, to.width]) }),
    }
  })
}
