import { execFileSync } from 'node:child_process'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { chooseFormat, NotAcceptable, optionsFor } from '../../engine/formats/choose-format.ts'
import type { PictureFacts } from '../../engine/formats/format.ts'
import { formatsOf } from '../../engine/formats/formats.ts'
import { encodeGreyPng } from '../../engine/formats/png.ts'
import { coco80, cocoKeypoints } from '../../engine/inference/labels.ts'
import type { ResultObject } from '../../engine/streams/wire.ts'
import { type Bitmap, compressPlainly } from '../support/coco-runs.ts'

/** Class, title and own text of every element that has a class; expat takes valid XML only. */
const readHocr = `
import json, sys, xml.etree.ElementTree as tree
root = tree.fromstring(sys.stdin.buffer.read())
print(json.dumps([[e.get('class'), e.get('title'), (e.text or '').strip()] for e in root.iter() if e.get('class')]))`

const picture: PictureFacts = { width: 8, height: 6, imageId: 139 }

/** What the task's answer is as `format`, of the type that the format says. */
async function write(task: string, name: string, objects: readonly ResultObject[]): Promise<unknown> {
  const format = chooseFormat(task, name, '*/*')
  const written = await format.write(objects, picture)
  if (format.schema) expect(format.schema.safeParse(written).error?.issues).toBeUndefined()
  return written
}

const box = (label: string): ResultObject => ({ label, confidence: 0.912, bbox: [1.23, 2.17, 3.06, 4] })

function maskOf(inside: (x: number, y: number) => boolean): {
  bitmap: Bitmap
  mask: NonNullable<ResultObject['mask']>
} {
  const { width, height } = picture
  const pixels = Uint8Array.from({ length: width * height }, (_, i) =>
    inside(i % width, Math.floor(i / width)) ? 1 : 0,
  )
  const bitmap = { width, height, pixels }
  return { bitmap, mask: { size: [height, width], counts: compressPlainly(bitmap) } }
}

describe('COCO results', () => {
  it('number the 80 classes from 1 to 90 as COCO does', async () => {
    const written = (await write('detect', 'coco', coco80.map(box))) as { category_id: number }[]
    const ids = written.map(({ category_id }) => category_id)
    expect(ids).toHaveLength(80)
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b))
    // From COCO's own list of categories.
    const known = { person: 1, 'fire hydrant': 11, 'stop sign': 13, backpack: 27, umbrella: 28, handbag: 31, tie: 32 }
    const more = {
      bottle: 44,
      'wine glass': 46,
      bed: 65,
      'dining table': 67,
      toilet: 70,
      tv: 72,
      book: 84,
      toothbrush: 90,
    }
    for (const [label, id] of Object.entries({ ...known, ...more }))
      expect(ids[coco80.indexOf(label as never)], label).toBe(id)
  })

  it('have the picture’s number, corner and size to a tenth of a pixel, and the score', async () => {
    expect(await write('detect', 'coco', [box('bus')])).toEqual([
      { image_id: 139, category_id: 6, bbox: [1.2, 2.2, 3.1, 4], score: 0.912 },
    ])
  })

  it('have masks as segmentation and keypoints as 17 triples, 0 0 0 for one that is not there', async () => {
    const { mask } = maskOf((x) => x < 3)
    expect(await write('segment', 'coco', [{ ...box('dog'), mask }])).toMatchObject([
      { category_id: 18, segmentation: { size: [6, 8], counts: mask.counts } },
    ])
    const keypoints = cocoKeypoints.slice(1).map((name, i) => ({ name, x: i, y: 10 + i, confidence: 0.5 }))
    const [person] = (await write('pose', 'coco', [{ ...box('person'), keypoints }])) as { keypoints: number[] }[]
    expect(person!.keypoints.slice(0, 9)).toEqual([0, 0, 0, 0, 10, 1, 1, 11, 1])
  })
})

describe('OpenPose’s JSON', () => {
  it('has 18 points in its own order, the neck between the shoulders, as sure as the less sure one', async () => {
    const keypoints = cocoKeypoints.map((name, i) => ({ name, x: 10 * i, y: i, confidence: i / 100 }))
    const written = await write('pose', 'openpose', [{ ...box('person'), keypoints }, box('person')])
    const points = (written as { people: { pose_keypoints_2d: number[] }[] }).people[0]!.pose_keypoints_2d
    const at = (i: number) => points.slice(3 * i, 3 * i + 3)
    expect([at(0), at(1), at(2), at(5), at(7)]).toEqual([
      [0, 0, 0],
      [55, 5.5, 0.05],
      [60, 6, 0.06],
      [50, 5, 0.05],
      [90, 9, 0.09],
    ])
    // The order of poseParametersRender.hpp's COCO model: hips to ankles from 8 on, then eyes and ears, right before left.
    const names = [8, 9, 10, 11, 12, 13, 14, 15, 16, 17].map((i) => cocoKeypoints[at(i)[1]!])
    expect(names).toEqual([
      ...['right_hip', 'right_knee', 'right_ankle', 'left_hip', 'left_knee', 'left_ankle'],
      ...['right_eye', 'left_eye', 'right_ear', 'left_ear'],
    ])
    expect(written).toMatchObject({ version: 1.3, people: [{ person_id: [-1], hand_left_keypoints_2d: [] }, {}] })
    expect((written as { people: { pose_keypoints_2d: number[] }[] }).people[1]!.pose_keypoints_2d).toEqual(
      Array(54).fill(0),
    )
  })

  it('leaves the neck out where a shoulder is missing', async () => {
    const keypoints = [{ name: 'left_shoulder', x: 5, y: 6, confidence: 1 }]
    const written = await write('pose', 'openpose', [{ ...box('person'), keypoints }])
    const [person] = (written as { people: { pose_keypoints_2d: number[] }[] }).people
    expect(person!.pose_keypoints_2d.slice(3, 6)).toEqual([0, 0, 0])
  })
})

describe('masks', () => {
  const { mask: left } = maskOf((x) => x < 4)
  const { mask: top } = maskOf((_, y) => y < 3)
  const objects = [
    { ...box('dog'), mask: left },
    { ...box('cat'), mask: top },
  ]

  it('are runs as topics have them', async () => {
    expect(await write('segment', 'rle', objects)).toEqual(objects)
  })

  it('are outlines in place of the mask', async () => {
    expect(await write('segment', 'polygon', objects)).toEqual([
      { ...box('dog'), polygons: [[0, 0, 4, 0, 4, 6, 0, 6]] },
      { ...box('cat'), polygons: [[0, 0, 8, 0, 8, 3, 0, 3]] },
    ])
  })

  it('are one picture of the objects’ numbers, the first on top', async () => {
    const png = (await write('segment', 'png', objects)) as Uint8Array
    const { data, info } = await sharp(png).toColourspace('b-w').raw().toBuffer({ resolveWithObject: true })
    expect(info).toMatchObject({ width: 8, height: 6, channels: 1 })
    const expected = Array.from({ length: 48 }, (_, i) => (i % 8 < 4 ? 1 : i < 24 ? 2 : 0))
    expect([...data]).toEqual(expected)
  })
})

describe('text', () => {
  const words = [
    { text: 'fish', confidence: 0.9, bbox: [1.5, 1, 2, 1] as const },
    { text: '<chips> & "peas"\u0007', confidence: 0.456, bbox: [4, 1.2, 3, 1] as const },
  ]
  const line: ResultObject = {
    label: 'text',
    confidence: 0.7,
    bbox: [1.5, 1, 5.5, 1.2],
    text: 'fish <chips> & "peas"',
    words,
  }

  it('is a line each', async () => {
    expect(await write('ocr', 'text', [line, line])).toBe('fish <chips> & "peas"\nfish <chips> & "peas"\n')
  })

  it('is Tesseract’s table: page, block, paragraph, then each line before its words', async () => {
    const rows = String(await write('ocr', 'tsv', [line, { ...line, words: [] }])).split('\n')
    expect(rows).toEqual([
      'level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext',
      '1\t1\t0\t0\t0\t0\t0\t0\t8\t6\t-1\t',
      '2\t1\t1\t0\t0\t0\t1\t1\t6\t2\t-1\t',
      '3\t1\t1\t1\t0\t0\t1\t1\t6\t2\t-1\t',
      '4\t1\t1\t1\t1\t0\t1\t1\t6\t2\t-1\t',
      '5\t1\t1\t1\t1\t1\t1\t1\t3\t1\t90\tfish',
      '5\t1\t1\t1\t1\t2\t4\t1\t3\t2\t45.6\t<chips> & "peas"\u0007',
      '4\t1\t1\t1\t2\t0\t1\t1\t6\t2\t-1\t',
      '',
    ])
    expect(
      String(await write('ocr', 'tsv', []))
        .trimEnd()
        .split('\n'),
    ).toHaveLength(2)
  })

  it('is hOCR that a parser of XML reads, whatever the text is', async () => {
    const text = String(await write('ocr', 'hocr', [line]))
    const read = execFileSync('python3', ['-c', readHocr], { input: text, encoding: 'utf8' })
    expect(JSON.parse(read)).toEqual([
      ['ocr_page', 'bbox 0 0 8 6; ppageno 0', ''],
      ['ocr_carea', 'bbox 1 1 7 3', ''],
      ['ocr_par', 'bbox 1 1 7 3', ''],
      ['ocr_line', 'bbox 1 1 7 3', ''],
      ['ocrx_word', 'bbox 1 1 4 2; x_wconf 90', 'fish'],
      ['ocrx_word', 'bbox 4 1 7 3; x_wconf 46', '<chips> & "peas"'],
    ])
    const empty = String(await write('ocr', 'hocr', []))
    expect(JSON.parse(execFileSync('python3', ['-c', readHocr], { input: empty, encoding: 'utf8' }))).toHaveLength(1)
  })

  it('needs the words, and refuses a request that wants none', () => {
    const tsv = chooseFormat('ocr', 'tsv', '*/*')
    expect(optionsFor(tsv, { maxLines: 3 })).toEqual({ maxLines: 3, words: true })
    expect(() => optionsFor(tsv, { words: false })).toThrow(
      expect.objectContaining({ code: 'invalid', message: expect.stringContaining('words to be true') }),
    )
  })
})

describe('a grey PNG', () => {
  it('has the very samples, of 16 bits too', async () => {
    const samples = Uint16Array.from({ length: 15 }, (_, i) => i * 4369)
    const file = await encodeGreyPng({ width: 5, height: 3, samples })
    expect(await sharp(file).metadata()).toMatchObject({ width: 5, height: 3, depth: 'ushort', space: 'grey16' })
    const { data } = await sharp(file)
      .toColourspace('grey16')
      .raw({ depth: 'ushort' })
      .toBuffer({ resolveWithObject: true })
    expect([...new Uint16Array(data.buffer, data.byteOffset, 15)]).toEqual([...samples])
  })
})

describe('the choice of a format', () => {
  it('is the first of the task, or the first that the client accepts', () => {
    expect(chooseFormat('segment', undefined, '*/*').name).toBe('rle')
    expect(chooseFormat('segment', undefined, 'image/png').name).toBe('png')
    expect(chooseFormat('segment', undefined, 'text/html, image/*;q=0.5').name).toBe('png')
    expect(chooseFormat('segment', 'coco', 'application/json; q=1').name).toBe('coco')
    expect(chooseFormat('segment', undefined, 'application/json;q=0, image/png').name).toBe('png')
    expect(formatsOf('no such task').map(({ name }) => name)).toEqual(['json'])
  })

  it('refuses names that the task does not have, and a client that accepts nothing of what it wants', () => {
    for (const name of ['openpose', 'yaml', '', 7, null])
      expect(() => chooseFormat('segment', name, '*/*')).toThrow(
        expect.objectContaining({ code: 'invalid', message: expect.stringContaining('rle, polygon, png, coco') }),
      )
    expect(() => chooseFormat('segment', 'png', 'application/json')).toThrow(NotAcceptable)
    expect(() => chooseFormat('detect', undefined, 'text/html')).toThrow(NotAcceptable)
  })
})
