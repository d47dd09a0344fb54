/** A mask written out: a byte per pixel, row by row, 0 or 1. */
export interface Bitmap {
  readonly width: number
  readonly height: number
  readonly pixels: Uint8Array
}

/** COCO's uncompressed runs of a bitmap, counted pixel by pixel down its columns, the first run of zeros. */
function countRuns({ width, height, pixels }: Bitmap): number[] {
  const runs = [0]
  for (let i = 0; i < width * height; i++) {
    const pixel = pixels[(i % height) * width + Math.floor(i / height)]!
    if (pixel !== (runs.length - 1) % 2) runs.push(0)
    runs[runs.length - 1]!++
  }
  return runs
}

/** COCO's compressed text, written apart from the engine's: six bits a character from 48 on, as two's complement of as many groups of five as it takes. */
export function compressPlainly(bitmap: Bitmap): string {
  const runs = countRuns(bitmap)
  const values = runs.map((run, i) => BigInt(i > 2 ? run - runs[i - 2]! : run))
  return values
    .map((value) => {
      let groups = 1
      while (value < -(1n << BigInt(5 * groups - 1)) || value >= 1n << BigInt(5 * groups - 1)) groups++
      const bits = BigInt.asUintN(5 * groups, value)
      const characters = Array.from({ length: groups }, (_, i) => {
        const five = Number((bits >> BigInt(5 * i)) & 31n)
        return String.fromCharCode(48 + five + (i < groups - 1 ? 32 : 0))
      })
      return characters.join('')
    })
    .join('')
}
