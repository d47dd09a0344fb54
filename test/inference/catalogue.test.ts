import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  artefactOf,
  backendsOf,
  classOf,
  labelOf,
  loadCatalogue,
  parseCatalogue,
} from '../../engine/inference/catalogue.ts'
import { coco80, cocoKeypoints } from '../../engine/inference/labels.ts'
import { addon } from '../../engine/native/addon.ts'
import { projectRoot } from '../../engine/root.ts'

const catalogue = loadCatalogue()
const hasAddon = existsSync(join(projectRoot, 'addon/build/Release/hailstream.node'))

const entry = `
toy:
  task: detect
  summary: A toy
  licence: MIT
  onnx:
    files: [{ name: toy.onnx, url: 'https://example.org/toy.onnx' }]
    verified: false
    plan: { fit: stretch, pad: 0, kernel: yolo-v8, minScore: 0.5 }
  labels: coco80
`

const voice = `
voice:
  task: speak
  summary: A voice
  licence: CC0
  piper: { files: [{ name: a.onnx, url: 'https://example.org/a.onnx' }], verified: false, language: en_US }
`

describe('the catalogue', () => {
  test('names a licence, a file and a way to get it for every model', () => {
    for (const model of catalogue.models) {
      expect(model.licence, model.name).toMatch(
        /GPL-3\.0|Apache-2\.0|MIT|BSD-\d-Clause|CC0|CC-BY|Llama 3\.2 Community|non-commercial|research only|names none|Not (named|checked)/,
      )
      for (const backend of backendsOf(model)) expect(artefactOf(model, backend).files.length).toBeGreaterThan(0)
    }
  })

  test('never takes a model of an unverified address for verified', () => {
    const artefacts = catalogue.models.flatMap((model) =>
      backendsOf(model).map((backend) => artefactOf(model, backend)),
    )
    const fetched = artefacts.filter(({ files }) => files.some(({ url }) => url !== undefined))
    expect(fetched.length).toBeGreaterThan(0)
    for (const { files, verified } of fetched) expect(verified, files[0]?.name).toBe(false)
  })

  test('tries the models of a task in the order of the file, a bundled one last', () => {
    for (const task of ['detect', 'pose']) {
      const candidates = catalogue.candidates(task)
      const bundled = candidates.map(({ name }) => catalogue.model(name).onnx?.bundled !== undefined)
      expect(bundled.at(-1), task).toBe(true)
      expect(bundled.slice(0, -1), task).not.toContain(true)
    }
    expect(catalogue.candidates('detect')[0]?.name).toBe('yolov8n')
    expect(catalogue.candidates('juggle')).toEqual([])
  })

  test('names the models there are when asked for one that is not there', () => {
    expect(() => catalogue.entry('yolov99')).toThrow(/yolov8n.*received yolov99/)
  })

  test('numbers the 80 classes as COCO does', () => {
    expect(coco80).toHaveLength(80)
    expect(new Set(coco80).size).toBe(80)
    expect([coco80[0], coco80[5], coco80[16], coco80[79]]).toEqual(['person', 'bus', 'dog', 'toothbrush'])
    expect(cocoKeypoints).toHaveLength(17)
    const model = catalogue.entry('centernet-mobilenet')
    expect(classOf(model, 'bus')).toBe(5)
    expect(labelOf(model, 5)).toBe('bus')
    expect(() => labelOf(model, 80)).toThrow(/class 80/)
  })

  test.skipIf(!hasAddon)('names decode kernels that the addon has', () => {
    const kernels = addon().decodeKernels()
    for (const { name, onnx } of catalogue.models) if (onnx?.plan) expect(kernels, name).toContain(onnx.plan.kernel)
  })
})

describe('a catalogue that is wrong', () => {
  test.each([
    ['an unknown key', entry.replace('labels:', 'colour: blue\n  labels:'), /toy: Unrecognized key.*colour/],
    ['no licence', entry.replace('  licence: MIT\n', ''), /toy\.licence/],
    [
      'a folder in the file name',
      entry.replace('name: toy', 'name: ../toy'),
      /toy\.onnx\.files\.0\.name: Expected the name/,
    ],
    ['an address without TLS', entry.replace('https:', 'http:'), /toy\.onnx\.files\.0\.url/],
    ['an unknown label set', entry.replace('coco80', 'coco90'), /toy\.labels/],
    ['neither verified nor a package', entry.replace(/ {4}verified.*\n/, ''), /either verified or bundled/],
    ['a name given twice', entry + entry, /unique/],
    ['a file given twice', entry + entry.replace('toy:', 'top:'), /top: toy\.onnx belongs to toy already/],
    [
      'an address given twice',
      entry + entry.replace('toy:', 'top:').replace('name: toy', 'name: top'),
      /top: https:.*toy\.onnx belongs to toy/,
    ],
    ['no artefact', entry.replace(/ {2}onnx:[\s\S]*0\.5 }\n/, ''), /toy: Expected at least one of onnx, hailo/],
    [
      'no address',
      entry.replace(", url: 'https://example.org/toy.onnx'", ''),
      /toy\.onnx\.files: Expected a url at toy\.onnx/,
    ],
    [
      'a file that its backend does not read',
      entry.replace('name: toy.onnx', 'name: toy.hef'),
      /Expected the name of a file that ends in \.onnx/,
    ],
    ['a voice without its settings', voice, /voice\.piper\.files/],
    ['text that is no YAML', 'a: [', /models\.yaml/],
  ])('with %s is refused, with the place', (_, text, message) => {
    expect(() => parseCatalogue(text, 'models.yaml')).toThrow(message)
  })

  test('is told from one that is right', () => {
    expect(parseCatalogue(entry, 'models.yaml').entry('toy').plan).toMatchObject({ iou: 0.45, scale: [1, 1, 1] })
  })
})
