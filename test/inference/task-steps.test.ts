import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { loadCatalogue } from '../../engine/inference/catalogue.ts'
import { labelsInFile } from '../../engine/inference/label-file.ts'
import { loadTasks, type VisionTask } from '../../engine/inference/vision-task.ts'
import { projectRoot } from '../../engine/root.ts'

const catalogue = loadCatalogue()
let tasks: VisionTask[]
beforeAll(async () => {
  tasks = await loadTasks(join(projectRoot, 'engine/tasks'))
})

function task(name: string): VisionTask {
  const found = tasks.find((one) => one.name === name)
  if (found === undefined) throw new Error(`no task ${name}`)
  return found
}

const parse = (name: string, options: object) => task(name).options.parse(options)

describe('segment', () => {
  const [segmenter] = catalogue.candidates('segment')
  const row = Float32Array.of(10, 20, 110, 70, 0.5, 16, 1, 2, 3, 4)

  test('asks for masks, and reads a row with the one that comes beside it', () => {
    expect(task('segment').plan(parse('segment', { classes: ['dog'], maxObjects: 3 }), segmenter!)).toEqual({
      ...{ minScore: 0.25, iou: 0.45, maxRows: 3, classes: [16], masks: true },
    })
    const mask = { size: [480, 640] as const, counts: '…' }
    const context = { entry: segmenter!, options: parse('segment', {}), mask }
    expect(task('segment').read(row, context)).toEqual({ label: 'dog', confidence: 0.5, bbox: [10, 20, 100, 50], mask })
  })
})

describe('ocr', () => {
  const [direction, reading] = ['pp-ocr-v2-direction', 'pp-ocr-v4-recognition'].map((name) => catalogue.entry(name))
  const [detector] = catalogue.candidates('ocr')
  const level = Float32Array.of(10, 20, 110, 20, 110, 40, 10, 40, 0.9)
  const options = (more: object = {}) => parse('ocr', more)
  const readRow = (row: Float32Array) => task('ocr').read(row, { entry: detector!, options: options() })!
  const each = () => task('ocr').each!

  test('reads a region as its corners, and crops a line as it lies, or from bottom to top where it stands', () => {
    const line = readRow(level)
    expect(line).toMatchObject({ label: 'text', bbox: [10, 20, 100, 20] })
    expect(each().crop(line)).toEqual([100, 0, 10, 0, 20, 20])
    const standing = readRow(Float32Array.of(10, 20, 30, 20, 30, 120, 10, 120, 0.9))
    expect(each().crop(standing)).toEqual([0, -20, 30, 100, 0, 20])
  })

  test('looks at the middle of a line for its direction, and turns one that surely stands on its head', () => {
    const [step] = each().steps
    expect(step!.look!([400, 0, 0, 0, 20, 0])).toEqual([160, 0, 120, 0, 20, 0])
    const piece = { object: readRow(level), crop: [100, 0, 10, 0, 20, 20] as const }
    const context = { entry: direction!, options: options() }
    expect(step!.read(Float32Array.of(1, 0.95), piece, context)?.crop).toEqual([-100, -0, 110, -0, -20, 40])
    for (const rows of [Float32Array.of(1, 0.8), Float32Array.of(0, 0.99), new Float32Array(0)])
      expect(step!.read(rows, piece, context)).toEqual(piece)
    expect(step!.wanted!(options({ turned: false }))).toBe(false)
  })

  test('reads letters by the list of the model, the last class as the space, and words by where they lie', () => {
    const [, step] = each().steps
    const piece = { object: readRow(level), crop: [100, 0, 10, 0, 20, 20] as const }
    const labels = labelsInFile(reading!)
    const rows = ['H', 'i', ' ', 'y', 'o'].flatMap((letter, i) => [
      letter === ' ' ? labels.length + 1 : labels.indexOf(letter) + 1,
      ...[0.8, 0.1 + 0.2 * i],
    ])
    const read = (more: object) =>
      step!.read(Float32Array.from(rows), piece, { entry: reading!, options: options(more) })?.object
    expect(read({})).toMatchObject({ text: 'Hi yo', confidence: expect.closeTo(0.8) })
    expect(read({})).not.toHaveProperty('words')
    expect(read({ words: true })?.words).toEqual([
      { text: 'Hi', confidence: expect.closeTo(0.8), bbox: [10, 20, 50, 20].map((value) => expect.closeTo(value)) },
      { text: 'yo', confidence: expect.closeTo(0.8), bbox: [60, 20, 50, 20].map((value) => expect.closeTo(value)) },
    ])
    expect(read({ minConfidence: 0.81 })).toBeUndefined()
    expect(
      step!.read(new Float32Array(0), piece, { entry: reading!, options: options({ minConfidence: 0 }) }),
    ).toBeUndefined()
  })
})

describe('faces', () => {
  const [detector] = catalogue.candidates('faces')
  const faceres = catalogue.entry('faceres')
  const row = Float32Array.of(10, 20, 50, 80, 0.9, 0, 20, 40, 40, 40, 30, 50, 22, 60, 38, 60)
  const face = () => task('faces').read(row, { entry: detector!, options: parse('faces', {}) })!

  test('reads five landmarks, and crops a square around the box with the eyes level', () => {
    expect(face()).toMatchObject({ label: 'face', bbox: [10, 20, 40, 60] })
    expect(face().keypoints?.map(({ name, x, y }) => [name, x, y])).toEqual([
      ['right_eye', 20, 40],
      ['left_eye', 40, 40],
      ['nose', 30, 50],
      ['right_mouth', 22, 60],
      ['left_mouth', 38, 60],
    ])
    expect(task('faces').each!.crop(face())).toEqual([60, -0, 0, 0, 60, 20])
    const [a, , , d] = task('faces').each!.crop({
      ...face(),
      keypoints: face().keypoints!.map((point, i) => (i === 1 ? { ...point, y: 60 } : point)),
    })
    expect(Math.atan2(d, a)).toBeCloseTo(Math.PI / 4)
  })

  test('is embedded only where somebody is known, or the vector is asked for', () => {
    const [step] = task('faces').each!.steps
    const known = (knows: boolean) => ({ knows: () => knows, identify: () => ({ name: 'Ada', similarity: 0.7 }) })
    expect(step!.wanted!(parse('faces', {}))).toBe(false)
    expect(step!.wanted!(parse('faces', {}), known(false))).toBe(false)
    expect(step!.wanted!(parse('faces', {}), known(true))).toBe(true)
    expect(step!.wanted!(parse('faces', { recognise: false }), known(true))).toBe(false)
    expect(step!.wanted!(parse('faces', { embedding: true }))).toBe(true)
    const piece = { object: face(), crop: [60, 0, 0, 0, 60, 20] as const }
    const read = (rows: Float32Array, more: object) =>
      step!.read(rows, piece, { entry: faceres, options: parse('faces', more), knownFaces: known(true) })?.object
    expect(read(Float32Array.of(0.6, 0.8), {})).toMatchObject({ identity: 'Ada', similarity: 0.7 })
    expect(read(Float32Array.of(1, 0), { embedding: true, recognise: false })).toEqual({
      ...face(),
      embedding: { model: 'faceres', values: [1, 0] },
    })
    // A picture of one colour has no direction.
    expect(read(new Float32Array(0), { embedding: true })).toEqual(face())
  })
})
