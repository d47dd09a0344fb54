import type { Bitmap } from './coco-runs.ts'

/** A bitmap of blots and holes that depend on the seed alone; odd seeds have their first pixel set. */
export function randomBits(seed: number): Bitmap {
  let state = seed * 2_654_435_761
  const next = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  const [width, height] = [20 + next(60), 20 + next(60)]
  const pixels = new Uint8Array(width * height)
  for (let blot = 0; blot < 6; blot++) {
    const [cx, cy, radius, value] = [next(width), next(height), 2 + next(14), blot % 3 === 2 ? 0 : 1]
    for (let i = 0; i < pixels.length; i++)
      if (Math.hypot((i % width) - cx, Math.floor(i / width) - cy) < radius) pixels[i] = value
  }
  for (let dot = 0; dot < 20; dot++) pixels[next(pixels.length)] = 1
  pixels[0] = seed % 2
  return { width, height, pixels }
}
