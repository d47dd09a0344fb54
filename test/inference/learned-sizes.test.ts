import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { EngineError } from '../../engine/errors.ts'
import { LearnedSizes } from '../../engine/inference/learned-sizes.ts'

let stateFolder: string
let logged: Record<string, unknown>[]
beforeEach(async () => {
  stateFolder = await mkdtemp(join(tmpdir(), 'hailstream-sizes-'))
  logged = []
})
afterEach(() => rm(stateFolder, { recursive: true, force: true }))

const log = pino({ base: null }, { write: (line: string) => void logged.push(JSON.parse(line)) })
const open = (onWritten?: (refusal: EngineError | undefined) => void) =>
  new LearnedSizes({ stateFolder, log, onWritten })
const file = () => join(stateFolder, 'model-sizes.json')
const yolo = { model: 'yolov8n', backend: 'onnx', fileBytes: 12_000_000 }

describe('LearnedSizes', () => {
  it('knows after a restart what it learned, for that file on that backend alone', async () => {
    const first = open()
    expect(await first.bytesOf(yolo)).toBeUndefined()
    await first.learn(yolo, 61_000_000)
    await first.learn(yolo, 51_000_000)
    await first.learn(yolo, 50_000_000)
    await first[Symbol.asyncDispose]()
    const second = open()
    expect(await second.bytesOf(yolo)).toBe(51_000_000)
    expect(await second.bytesOf({ ...yolo, fileBytes: 12_000_001 })).toBeUndefined()
    expect(await second.bytesOf({ ...yolo, backend: 'hailo' })).toBeUndefined()
    expect(JSON.parse(await readFile(file(), 'utf8'))).toEqual({
      onnx: { yolov8n: { file: 12_000_000, memory: 51_000_000, measured: [61_000_000, 51_000_000, 50_000_000] } },
    })
  })

  it('counts the middle one of the last five measurements, the larger of two', async () => {
    await using sizes = open()
    const counted: number[] = []
    for (const mb of [60, 50, 20, 50, 51, 90, 52, 53, 53]) counted.push((await sizes.learn(yolo, mb * 1e6)) / 1e6)
    expect(counted).toEqual([60, 60, 50, 50, 50, 50, 51, 52, 53])
    expect(await sizes.learn({ ...yolo, fileBytes: 13_000_000 }, 99e6)).toBe(99e6)
  })

  it('counts a model as not less than its file, whatever was measured', async () => {
    await using sizes = open()
    expect(await sizes.learn(yolo, 3)).toBe(12_000_000)
    expect(await sizes.learn({ ...yolo, model: 'other' }, 40_000_000.4)).toBe(40_000_000)
  })

  it.each(['{"onnx": {', '[]', '{"onnx":{"yolov8n":{"file":-1,"memory":2}}}', '\0\0\0'])(
    'begins anew with a broken file, and says so once: %j',
    async (text) => {
      await writeFile(file(), text)
      await using sizes = open()
      expect(await sizes.bytesOf(yolo)).toBeUndefined()
      await sizes.learn(yolo, 50_000_000)
      expect(await sizes.bytesOf(yolo)).toBe(50_000_000)
      expect(logged).toMatchObject([{ path: file(), msg: expect.stringContaining('begun anew') }])
      await sizes[Symbol.asyncDispose]()
      expect(JSON.parse(await readFile(file(), 'utf8'))).toHaveProperty('onnx.yolov8n.memory', 50_000_000)
    },
  )

  it('goes on without a disk that takes it, and tells what the disk said', async () => {
    await writeFile(join(stateFolder, 'taken'), '')
    const refusals: (string | undefined)[] = []
    await using sizes = new LearnedSizes({
      stateFolder: join(stateFolder, 'taken'),
      log,
      onWritten: (refusal) => void refusals.push(refusal?.code),
    })
    expect(await sizes.learn(yolo, 50_000_000)).toBe(50_000_000)
    await sizes[Symbol.asyncDispose]()
    expect(refusals).toEqual(['unavailable'])
    expect(await sizes.bytesOf(yolo)).toBe(50_000_000)
  })
})
