/**
 * What the addon does with pictures, rows and refusals, over and over, and an end of the process as Node makes it, where leaks are
 * looked for: the processes in which tests run are killed before. The addon's path is the argument.
 */
import { createRequire } from 'node:module'

const addon = createRequire(import.meta.url)(process.argv[2])
const [width, height] = [320, 240]
const image = { slot: 0, width, height, format: 'rgb', bytes: addon.imageLayout('rgb', width, height).bytes }
const fit = { width: 64, height: 64, mode: 'letterbox', layout: 'nchw', pad: 114, mean: [0, 0, 0], scale: [1, 1, 1] }
const rows = { kernel: 'yolo-v8', minScore: 0.5, iou: 0.5, maxRows: 10, classes: [], inputWidth: 64, inputHeight: 64 }

for (let round = 0; round < 10; round++) {
  const pool = addon.createPool(2, image.bytes)
  const toSource = addon.fit(pool, image, new Float32Array(3 * 64 * 64), fit)
  const head = { data: new Float32Array(6 * 8).fill(0.9), shape: [1, 6, 8] }
  addon.decode([head], { ...rows, toSource, sourceWidth: width, sourceHeight: height })
  const bytes = await addon.encodeJpeg(pool, image, 1, { quality: 80 })
  const jpeg = pool.read(1, 0, bytes)
  await addon.decodeJpeg(pool, jpeg, 0, { format: 'i420', maxWidth: width, maxHeight: height })
  const broken = jpeg.subarray(0, jpeg.length >> 1)
  const refused = await addon.decodeJpeg(pool, broken, 0, { format: 'rgb', maxWidth: width, maxHeight: height }).then(
    () => undefined,
    (error) => error.code,
  )
  if (refused !== 'invalid') throw new Error(`Expected a truncated JPEG to be invalid, received ${refused}`)
  await addon.convert(pool, image, 1, 160, 120)
  if (pool.slots !== 2) throw new Error(`Expected 2 slots, received ${pool.slots}`)
  pool.close()
}
