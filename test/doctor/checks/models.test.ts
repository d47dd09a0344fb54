import { describe, it } from 'vitest'
import { expectTold, type Trouble, titled } from '../../support/doctor.ts'

const troubles: Trouble[] = [
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
