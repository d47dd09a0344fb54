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
  return objects.map((object) => {
    const [x, y, width, height] = object.bbox
    const { keypoints, mask } = object
    return {
      ...object,
      bbox: [x * fx, y * fy, width * fx, height * fy] as const,
      ...(keypoints && { keypoints: keypoints.map((point) => ({ ...point, x: point.x * fx, y: point.y * fy })) }),
      ...(mask && { mask: scaleMask(mask, [to.height, to.width]) }),
    }
  })
}
