import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { PooledImage } from '../../engine/core/packet.ts'
import type { TaskResult } from '../../engine/inference/vision.ts'
import { testData } from '../support/data.ts'
import { createVision } from '../support/vision.ts'

/**
 * Writes `test/fixtures/people-detections.json`: the persons that YOLOv8n finds in every second frame of the one-by-one clip,
 * through the engine's own path (letterbox, ONNX Runtime, decoder), from score 0.1 on. Takes about two minutes on an idle machine:
 * `node dist/test/bench/record-detections.js --out test/fixtures/people-detections.json`
 */
const { values } = parseArgs({ options: { out: { type: 'string' } } })
if (values.out === undefined) throw new Error('Expected --out FILE')
const clip = 'one-by-one-person-detection.mp4'
/** Of the clip's 10 frames a second. */
const every = 2
const [width, height, fps] = [768, 432, 10 / every]
const minScore = 0.1

const setup = await createVision({ paths: [testData('models')], threads: 2 })
const session = setup.vision.openTask('detect', { classes: ['person'], minScore, model: 'yolov8n' }, 'batch')
const frames: number[][][] = []
try {
  await session.prepare()
  for await (const pixels of readFrames()) {
    const image = setup.rgb(width, height, pixels)
    const { objects } = await askPatiently(image)
    image.release()
    frames.push(objects.map(({ confidence, bbox }) => [confidence, ...bbox].map((value, i) => round(value, i))))
    if (frames.length % 50 === 0) write(values.out)
  }
} finally {
  await session[Symbol.asyncDispose]()
  await setup[Symbol.asyncDispose]()
}
write(values.out)

/** All that is there so far, so that a run that is ended early leaves a stretch. */
function write(file: string): void {
  const how =
    `yolov8n.onnx through the engine's detect task, class person, score >= ${minScore}, every second frame of ${clip} ` +
    '(10 fps; CC-BY-4.0, credit Intel IoT devkit sample-videos), recorded by test/bench/record-detections.ts; ' +
    'a detection is [score, x, y, width, height] in pixels'
  const head = { file: clip, how, fps, every, width, height }
  const lines = frames.map((frame) => JSON.stringify(frame)).join(',\n')
  writeFileSync(file, `${JSON.stringify(head).slice(0, -1)},"frames":[\n${lines}\n]}\n`)
  console.error(`${frames.length} frames`)
}

/** On a machine that is busy otherwise a frame may pass the host's deadline: the host starts anew, and the frame is asked again. */
async function askPatiently(image: PooledImage, tries = 5): Promise<TaskResult> {
  try {
    return await session.ask(image, AbortSignal.timeout(120_000))
  } catch (error) {
    if (tries <= 1) throw error
    console.error(`frame ${frames.length} once more: ${String(error)}`)
    await session.prepare()
    return askPatiently(image, tries - 1)
  }
}

/** Score to 0.001, pixels to 0.1. */
function round(value: number, column: number): number {
  const steps = column === 0 ? 1000 : 10
  return Math.round(value * steps) / steps
}

/** Every second frame of the clip as RGB rows without padding. */
async function* readFrames(): AsyncGenerator<Uint8Array> {
  const from = ['-v', 'error', '-i', testData(`media/${clip}`)]
  const some = ['-vf', `select=not(mod(n\\,${every}))`, '-fps_mode', 'passthrough']
  const ffmpeg = spawn('ffmpeg', [...from, ...some, '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(ffmpeg, 'close')
  const size = width * height * 3
  let rest = Buffer.alloc(0)
  for await (const chunk of ffmpeg.stdout) {
    rest = Buffer.concat([rest, chunk as Buffer])
    for (; rest.length >= size; rest = rest.subarray(size)) yield rest.subarray(0, size)
  }
  const [status] = await ended
  if (status !== 0) throw new Error(`Expected ffmpeg to end with 0, received ${status}`)
}
