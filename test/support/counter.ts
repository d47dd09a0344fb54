const blocks = 32

/**
 * The number that the test source's `counter` pattern shows in the top rows of a picture: its `seq`, modulo 2^24. `luma` gives the
 * brightness, 0 to 255, of a pixel of the picture as it is shown, `width` pixels wide; undefined when no valid number is there.
 * Works on pictures that were scaled: `sourceWidth` is the width that the source gave them.
 */
export function readCounter(
  luma: (x: number, y: number) => number,
  width: number,
  sourceWidth = width,
): number | undefined {
  const size = (Math.max(16, Math.floor(sourceWidth / blocks / 16) * 16) * width) / sourceWidth
  const bits = Array.from({ length: blocks }, (_, i) =>
    luma(Math.floor((i + 0.5) * size), Math.floor(size / 2)) > 127 ? 1 : 0,
  )
  const bytes = [0, 8, 16, 24].map((at) => Number.parseInt(bits.slice(at, at + 8).join(''), 2))
  const [high = 0, middle = 0, low = 0, check = 0] = bytes
  if (check !== 255 - ((high + middle + low) & 255)) return undefined
  return (high << 16) | (middle << 8) | low
}
