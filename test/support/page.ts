import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { build } from 'vite'
import { projectRoot } from '../../engine/root.ts'

/** Builds the page into a new folder and returns the folder; the caller removes it. */
export async function buildPage(): Promise<string> {
  const outDir = await mkdtemp(join(tmpdir(), 'hailstream-page-'))
  await build({ root: join(projectRoot, 'web'), logLevel: 'error', build: { outDir, emptyOutDir: true } })
  return outDir
}

/** How a numbered picture is laid out, in its pixels. */
export const numbered = { width: 640, height: 480, bits: 10, block: 64, grey: 128 }

/** A grey JPEG whose upper left shows `seq` (below 1024) as a row of white (1) and black (0) blocks, the lowest bit first. */
export async function numberedJpeg(seq: number): Promise<Buffer> {
  const { width, height, bits, block, grey } = numbered
  const blocks = Array.from({ length: bits }, (_, bit) => {
    const value = (seq >> bit) & 1 ? 255 : 0
    return `<rect x="${bit * block}" y="0" width="${block}" height="${block}" fill="rgb(${value},${value},${value})"/>`
  })
  const ground = `<rect width="${width}" height="${height}" fill="rgb(${grey},${grey},${grey})"/>`
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${ground}${blocks.join('')}</svg>`
  return sharp(Buffer.from(svg)).jpeg({ quality: 80 }).toBuffer()
}

/** Left edge of the box that belongs to picture `seq`: neighbours in time lie 40 px apart. */
export function numberedBoxX(seq: number): number {
  return 20 + (seq % 12) * 40
}
