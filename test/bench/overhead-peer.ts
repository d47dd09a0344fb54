import type { AddressInfo } from 'node:net'
import { setPriority } from 'node:os'
import { WebSocketServer } from 'ws'
import { buildGstPipeline, type GstAppSink, type GstPipeline } from '../../engine/hosts/gstreamer.ts'
import { addon, type DecodeOptions, type FitOptions } from '../../engine/native/addon.ts'
import { openNetwork } from './bare-network.ts'

/** The first argument, as JSON. */
export interface LoopOptions {
  /** gst-launch description that ends in `appsink name=sink` with I420 frames. */
  readonly launch: string
  readonly model: string
  readonly threads: number
  /** Whether rows are decoded and sent to subscribers, with `capturedAt` in ms of CLOCK_MONOTONIC, or the outputs thrown away. */
  readonly results: boolean
}

/** What the loop tells when it is asked. */
export interface LoopFigures {
  readonly frames: number
  /** Of every run of the network since the last time, in ms. */
  readonly runs: readonly number[]
  /** The same with the fit before it and the decoding after it. */
  readonly answers: readonly number[]
}

/** Niceness of the engine's hosts. */
const hostNice = 5

interface Frame {
  readonly bytes: Buffer
  readonly width: number
  readonly height: number
}

// One process that reads frames, fits them and runs bare ONNX Runtime, one after the other, while GStreamer's own threads get the
// next one ready. Tells its port; asked for figures, what it has done.
// As our hosts, so that a busy machine is no harder on them.
setPriority(hostNice)
const options = JSON.parse(process.argv[2] ?? '') as LoopOptions
const network = await openNetwork(options.model, options.threads)
const { width, height, layout } = network
const fit: FitOptions = {
  ...{ width, height, layout, mode: 'letterbox', pad: 114 },
  mean: [0, 0, 0],
  scale: [1 / 255, 1 / 255, 1 / 255],
}
const pipeline: GstPipeline = buildGstPipeline(options.launch)
const sink: GstAppSink = pipeline.findChild('sink')!
const pool = addon().createPool(1, addon().imageLayout('i420', 1920, 1080).bytes)
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false })
let frames = 0
let runs: number[] = []
let answers: number[] = []

process.on('message', () => {
  process.send?.({ frames, runs, answers } satisfies LoopFigures)
  runs = []
  answers = []
})
process.on('disconnect', () => process.exit(0))
server.on('listening', () => process.send?.({ port: (server.address() as AddressInfo).port }))
pipeline.play()
for (let next = pull(); ; ) {
  const frame = await next
  const arrivedAt = Number(process.hrtime.bigint()) / 1e6
  next = frame ? pull() : playAgain()
  if (frame) await work(frame, arrivedAt)
}

function pull(): Promise<Frame | null> {
  return new Promise((resolve) =>
    sink.pull((bytes, caps) => {
      const { width = 0, height = 0 } = (caps ?? {}) as { width?: number; height?: number }
      resolve(bytes && { bytes, width, height })
    }),
  )
}

function playAgain(): Promise<Frame | null> {
  pipeline.stop()
  pipeline.play()
  return pull()
}

async function work({ bytes, width, height }: Frame, arrivedAt: number): Promise<void> {
  const size = addon().imageLayout('i420', width, height).bytes
  pool.write(0, bytes.subarray(0, size), 0)
  const image = { slot: 0, format: 'i420', width, height, bytes: size } as const
  const askedAt = performance.now()
  const toSource = addon().fit(pool, image, network.input, fit)
  const startedAt = performance.now()
  const outputs = await network.run()
  runs.push(performance.now() - startedAt)
  frames++
  if (!options.results) return
  const tensors = Object.values(outputs).map(({ data, dims }) => ({ data: data as Float32Array, shape: dims }))
  const rows = addon().decode(tensors, toDecode(toSource, width, height))
  answers.push(performance.now() - askedAt)
  const text = JSON.stringify({ capturedAt: arrivedAt, rows: [...rows] })
  for (const socket of server.clients) socket.send(text)
}

function toDecode(toSource: DecodeOptions['toSource'], sourceWidth: number, sourceHeight: number): DecodeOptions {
  const thresholds = { kernel: 'yolo-v8', minScore: 0.25, iou: 0.45, maxRows: 100, classes: [] }
  return { ...thresholds, inputWidth: width, inputHeight: height, toSource, sourceWidth, sourceHeight }
}
