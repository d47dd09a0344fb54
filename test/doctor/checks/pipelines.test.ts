import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseCommandLine } from '../../../engine/command-line.ts'
import { loadConfig } from '../../../engine/config.ts'
import { checks } from '../../../engine/doctor/checks.ts'
import { runChecks } from '../../../engine/doctor/run-checks.ts'
import { projectRoot } from '../../../engine/root.ts'
import { expectTold, type Trouble, titled } from '../../support/doctor.ts'
import { fakeSystem, healthyPi } from '../../support/fake-system.ts'

const troubles: Trouble[] = [
  {
    title: 'no pipeline',
    check: 'pipelines',
    state: 'warning',
    set: ['pipelines=[]'],
    detail: 'No pipeline is configured: only requests are answered',
    fix: 'Name one in hailstream.yaml: pipelines: [demo]',
  },
  {
    title: 'a pipeline that is not there',
    check: 'pipelines',
    state: 'error',
    set: ['pipelines=[nowhere]'],
    detail: /^Expected a pipeline at .*\/pipelines\/nowhere\.yaml/,
    fix: /^Name a pipeline that is there: ls .*\/pipelines$/,
  },
  {
    title: 'a pipeline with a mistake, with its place',
    check: 'pipelines',
    state: 'error',
    set: ['pipelines=[{ name: a, streams: { camera: { source: kamera } }, publish: [camera] }]'],
    detail: /streams\.camera\.source: Expected one of the sources .*, received kamera/,
    fix: /"Write a pipeline"$/,
  },
  {
    title: 'a pipeline whose file the service may not read',
    check: 'pipelines',
    state: 'error',
    change: ({ stats }) => (stats[join(projectRoot, 'pipelines/demo.yaml')] = { mode: 0o600 }),
    detail: /^hailstream may not read .*\/pipelines\/demo\.yaml: .*\/pipelines\/demo\.yaml forbids it$/,
    fix: /^sudo chmod o\+rX .*\/pipelines\/demo\.yaml$/,
  },
]

describe('the doctor on pipelines', () => {
  it.each(titled(troubles))('tells of %s', expectTold)

  it('reads pipelines of the configured folder, and needs a model for each of their tasks', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hailstream-pipelines-'))
    const text =
      'name: door\nstreams:\n  camera: { source: test }\n  people: { from: camera, node: detect }\npublish: [people]\n'
    writeFileSync(join(folder, 'door.yaml'), text)
    const line = parseCommandLine(['doctor', '--pipelines', folder, '--set', 'pipelines=[door]'])
    const found = await runChecks(
      checks.filter(({ name }) => name === 'pipelines' || name === 'models'),
      fakeSystem(healthyPi()),
      loadConfig(line, { HAILSTREAM_STATE: folder }),
    )
    expect(found).toMatchObject([
      { check: 'pipelines', state: 'ok', detail: 'door: 2 streams' },
      { check: 'models', state: 'ok', detail: expect.stringMatching(/^detect: .*centernet-mobilenet/) },
    ])
  })
})
