import type { FitOptions } from '../native/addon.ts'

/** In pixels. */
interface Size {
  readonly width: number
  readonly height: number
}

/** How a whole image becomes a tensor: `corner` is `letterbox` with all padding on the right or below. */
export type WholeFit = 'letterbox' | 'stretch' | 'corner'

/** Values of one crop among `Question.crops`. */
const valuesPerCrop = 6

/** The affines of crops, one after the other, or null once for the whole image. */
export function cropsOf(crops: Float32Array | null): (Float32Array | null)[] {
  if (crops === null) return [null]
  const at = (i: number) => crops.subarray(i * valuesPerCrop, (i + 1) * valuesPerCrop)
  return Array.from({ length: crops.length / valuesPerCrop }, (_, i) => at(i))
}

/** How the whole image becomes a tensor of that size. */
export function wholeMode(fit: WholeFit, image: Size, { width, height }: Size): FitOptions['mode'] {
  if (fit !== 'corner') return fit
  const scale = Math.max(image.width / width, image.height / height)
  return { box: [0, 0, width * scale, height * scale] }
}

/** How a part of the image, given by its affine from the unit square, becomes a tensor of that size. What is upright is read as a box, which is faster. */
export function cropMode(crop: Float32Array, width: number, height: number): FitOptions['mode'] {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = crop
  if (b === 0 && d === 0 && a > 0 && e > 0) return { box: [c, f, a, e] }
  return { affine: [a / width, b / height, c, d / width, e / height, f] }
}
