import { readFileSync } from 'node:fs'
import sharp from 'sharp'
import { addon, type FitOptions, type NativePool } from '../../engine/native/addon.ts'
import { hasTestData, testData } from '../support/data.ts'
import { median } from './figures.ts'
import { type BenchRow, toRow } from './row.ts'

const width = 1280
const height = 720
const side = 640
const runs = 9
const repeats = 15
const goal = 4

const options: FitOptions = {
  width: side,
  height: side,
  mode: 'letterbox',
  layout: 'nchw',
  pad: 114,
  mean: [0, 0, 0],
  scale: [1 / 255, 1 / 255, 1 / 255],
}

/** From JPEG to what YOLO wants, [3 × 640 × 640] float32 from 0 to 1, against sharp and a plain loop. */
export default async function bench(): Promise<BenchRow[]> {
  const pool = addon().createPool(1, width * height * 3)
  const photo = hasTestData ? readFileSync(testData('media/zidane.jpg')) : await waves()
  const camera = await sharp(photo).jpeg({ quality: 80 }).toBuffer()
  const rows = [
    await compare('JPEG 1280x720 to letterboxed 640x640 float tensor', camera, pool),
    await compare('JPEG photo of finer quality to the same tensor', photo, pool),
    await compare('JPEG 1280x720, reduced by its decoder to 640x360, to the same tensor', camera, pool, side),
  ]
  pool.close()
  return rows
}

/** `decoded`: the JPEG is decoded to at most so many pixels a side, by the scales of its DCT. */
async function compare(name: string, jpeg: Buffer, pool: NativePool, decoded = width): Promise<BenchRow> {
  const tensors = { ours: new Float32Array(3 * side * side), peer: new Float32Array(3 * side * side) }
  const times: { ours: number[]; peer: number[] } = { ours: [], peer: [] }
  for (let run = 0; run < runs; run++) {
    times.ours.push(await medianTime(() => fitByAddon(jpeg, pool, tensors.ours, decoded)))
    times.peer.push(await medianTime(() => fitBySharp(jpeg, tensors.peer)))
  }
  expectSamePicture(name, tensors.ours, tensors.peer)
  return toRow({ name, unit: 'ms', ...times, peerName: 'sharp and a plain loop', better: 'less', goal })
}

async function fitByAddon(jpeg: Buffer, pool: NativePool, tensor: Float32Array, decoded: number): Promise<void> {
  const spec = await addon().decodeJpeg(pool, jpeg, 0, { format: 'i420', maxWidth: decoded, maxHeight: decoded })
  addon().fit(pool, { ...spec, slot: 0 }, tensor, options)
}

async function fitBySharp(jpeg: Buffer, tensor: Float32Array): Promise<void> {
  const background = { r: 114, g: 114, b: 114 }
  const pixels = await sharp(jpeg)
    .resize(side, side, { fit: 'contain', kernel: 'linear', background })
    .removeAlpha()
    .raw()
    .toBuffer()
  const plane = side * side
  for (let i = 0, at = 0; i < plane; i++, at += 3) {
    tensor[i] = (pixels[at] as number) / 255
    tensor[plane + i] = (pixels[at + 1] as number) / 255
    tensor[2 * plane + i] = (pixels[at + 2] as number) / 255
  }
}

/** A benchmark that compares different results says nothing. */
function expectSamePicture(name: string, ours: Float32Array, peer: Float32Array): void {
  const mean = (255 * ours.reduce((sum, value, i) => sum + Math.abs(value - (peer[i] as number)), 0)) / ours.length
  console.error(`bench: ${name}: the tensors differ by ${mean.toFixed(2)} of 255 in the mean`)
  if (!(mean < 2)) throw new Error(`Expected tensors that differ by less than 2 levels, received ${mean}`)
}

/** The median of one run, in ms. */
async function medianTime(work: () => Promise<void>): Promise<number> {
  const times: number[] = []
  for (let repeat = 0; repeat < repeats; repeat++) {
    const start = performance.now()
    await work()
    times.push(performance.now() - start)
  }
  return median(times)
}

/** Stands in for the photo where the test data is not there. */
async function waves(): Promise<Buffer> {
  const pixels = Buffer.alloc(width * height * 3)
  for (let i = 0; i < pixels.length; i++) pixels[i] = 128 + 90 * Math.sin(i / 301) + ((i * 7919) % 23)
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 92 })
    .toBuffer()
}
