import { describe, expect, it } from 'vitest'
import { checkTask } from '../../../engine/doctor/checks/models.ts'
import { parseCatalogue } from '../../../engine/inference/catalogue.ts'
import { expectTold, type Trouble, titled } from '../../support/doctor.ts'

const troubles: Trouble[] = [
  {
    title: 'a folder of models that the caller may not look into',
    check: 'models',
    state: 'warning',
    change: ({ own }) => Object.assign(own, { groups: [] }),
    detail: 'You may not look into /var/lib/hailstream/models: nothing is known of models',
    fix: /^sudo -E \/usr\/bin\/node .*dist\/engine\/main\.js doctor$/,
  },
  {
    title: 'a model to preload that is not here',
    check: 'models',
    state: 'error',
    set: ['models.preload=[yolov8n]'],
    detail: /^yolov8n is to stay loaded, but .*yolov8n\.onnx/,
    fix: /^sudo -u hailstream env HAILSTREAM_STATE=\/var\/lib\/hailstream \/usr\/bin\/node .*dist\/engine\/main\.js models pull yolov8n$/,
  },
  {
    title: 'a model to pin that nobody knows',
    check: 'models',
    state: 'error',
    set: ['models.pin=[yolov99]'],
    detail: 'models.preload or models.pin names yolov99, which the catalogue lacks',
    fix: /models list$/,
  },
  {
    title: 'a model to preload that nothing here runs',
    check: 'models',
    state: 'warning',
    set: ['models.preload=[qwen2.5-1.5b-instruct]'],
    detail: /this version runs nothing of it: it is there for hailo and llama only$/,
    fix: 'Take it out of models.preload and models.pin',
  },
  {
    title: 'a folder of models that is not there',
    check: 'models',
    state: 'warning',
    set: ['models.paths=[/srv/models]'],
    detail: 'The folder of models /srv/models is not there',
    fix: /^sudo mkdir -p \/srv\/models/,
  },
  {
    title: 'a model that the service may not read',
    check: 'models',
    state: 'error',
    change: ({ files, stats }) => {
      files['/srv/models/yolov8n.onnx'] = ''
      stats['/srv/models/yolov8n.onnx'] = { uid: 1000, mode: 0o600 }
    },
    set: ['models.paths=[/srv/models]'],
    detail: 'hailstream may not read models in /srv/models: /srv/models/yolov8n.onnx forbids it',
    fix: 'sudo chmod -R o+rX /srv/models/yolov8n.onnx',
  },
]

describe('the doctor on models', () => {
  it.each(titled(troubles))('tells of %s', expectTold)
})

const catalogue = parseCatalogue(
  `finder: { task: find, summary: s, licence: MIT, labels: coco80, onnx: { files: [{ name: finder.onnx, url: "https://example.org/finder.onnx" }], verified: true, plan: { fit: stretch, pad: 0, kernel: k, minScore: 0.5 } } }`,
  'test',
)
const statuses = new Map([
  ['finder', { name: 'finder', task: 'find', state: 'missing', why: 'finder.onnx is nowhere' } as const],
])

describe('the doctor on a task without a model', () => {
  const known = { catalogue, statuses, pull: 'hailstream models pull' }
  const told = {
    check: 'models',
    detail: 'No model for find: finder: finder.onnx is nowhere',
    fix: 'hailstream models pull finder',
  }

  it('tells of an error, or of a warning where the engine will ask a mirror', () => {
    expect(checkTask('find', { ...known, mirror: null })).toEqual([{ state: 'error', ...told }])
    expect(checkTask('find', { ...known, mirror: 'https://example.org' })).toEqual([{ state: 'warning', ...told }])
    expect(checkTask('jpeg', { ...known, mirror: null })).toEqual([])
  })
})
