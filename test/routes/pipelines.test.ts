import { describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { type PipelineSummary, pipelineRoutes } from '../../engine/routes/pipelines.ts'
import { startApp } from '../support/app.ts'
import { until } from '../support/wait.ts'

describe('GET /api/pipelines', () => {
  it('tells of each stream what makes it and which source its packets began in', async () => {
    const streams = {
      camera: { source: 'test', size: '320x240', rate: 5 },
      slow: { from: 'camera', node: 'sample', rate: 1 },
      objects: { from: 'slow', node: 'detect' },
      drawn: { from: { image: 'slow', objects: 'objects' }, node: 'annotate' },
    }
    const from = (plugin: string, kind = 'image') => ({ kind, plugin, source: 'camera' })
    const detecting = { classes: null, minScore: null, iou: null, maxObjects: 100 }
    await using engine = await startApp({ pipelines: [{ name: 'entrance', streams, publish: ['drawn'] }, 'nowhere'] })
    expect(await (await fetch(`${engine.url}/api/pipelines`)).json()).toEqual([
      {
        name: 'entrance',
        state: 'running',
        streams: [
          { name: 'camera', kind: 'image', plugin: 'test', source: 'camera', published: false, tunable: {} },
          { name: 'slow', ...from('sample'), published: false, tunable: { rate: 1, every: null } },
          { name: 'objects', ...from('detect', 'objects'), published: false, tunable: detecting },
          { name: 'drawn', ...from('annotate'), published: true, tunable: {} },
        ],
      },
      { name: 'nowhere', state: 'failed', streams: [] },
    ])
  })

  it('refuses other methods', async () => {
    const response = await pipelineRoutes({ summary: () => [], tune: () => ({}) }).request('/api/pipelines', {
      method: 'POST',
    })
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('GET, HEAD')
  })
})

describe('PATCH of a stream', () => {
  const streams = {
    camera: { source: 'test', size: '320x240', rate: 20 },
    objects: { from: 'camera', node: 'detect', minScore: 0.5 },
    slow: { from: 'camera', node: 'sample', rate: 1 },
    small: { from: 'camera', node: 'jpeg' },
  }
  const pipeline = { name: 'entrance', streams, publish: ['small'] }

  async function patch(url: string, path: string, body: string) {
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`${url}/api/pipelines/${path}`, { method: 'PATCH', headers, body })
    return { status: response.status, body: (await response.json()) as { detail?: string; tunable?: unknown } }
  }

  it('changes what the pictures that come next go through, without a break of the topic', async () => {
    await using engine = await startApp({ pipelines: [pipeline] })
    const socket = new WebSocket(`${engine.socketUrl}/ws/entrance/small`)
    const seen: { n: number; width: number }[] = []
    socket.on('message', (bytes: Buffer) => {
      seen.push(JSON.parse(bytes.subarray(4, 4 + bytes.readUInt32LE(0)).toString()))
    })
    await until('the first picture', () => seen.length > 0)
    const changed = await patch(engine.url, 'entrance/streams/small', '{"width":160}')
    expect(changed).toEqual({ status: 200, body: { tunable: { quality: 80, width: 160 } } })
    await until('a smaller picture', () => seen.at(-1)?.width === 160)
    expect(seen[0]?.width).toBe(320)
    expect(seen.map(({ n }) => n)).toEqual(seen.map((_, i) => i))
    const told = (await (await fetch(`${engine.url}/api/pipelines`)).json()) as PipelineSummary[]
    expect(told[0]?.streams.find(({ name }) => name === 'small')?.tunable).toEqual({ quality: 80, width: 160 })
    socket.terminate()
  })

  it('changes all or nothing, and says where it is wrong', async () => {
    await using engine = await startApp({ pipelines: [pipeline] })
    const place = 'entrance/streams/objects'
    const wrong: [string, string, number, string][] = [
      [place, '{"minScore":2}', 400, 'streams.objects.minScore'],
      [place, '{"minScore":0.7,"maxObjects":0}', 400, 'streams.objects.maxObjects'],
      [place, '{"model":"yolov8n"}', 400, 'streams.objects.model: Expected an option of detect that can be changed'],
      [place, '[1]', 400, 'options by name'],
      [place, 'minScore=1', 400, 'JSON'],
      ['entrance/streams/camera', '{"rate":5}', 400, 'camera has none'],
      ['entrance/streams/slow', '{"every":2}', 400, 'either rate or every'],
      ['entrance/streams/nobody', '{}', 404, 'nobody'],
      ['exit/streams/objects', '{}', 404, 'exit'],
    ]
    for (const [path, body, status, told] of wrong) {
      const answer = await patch(engine.url, path, body)
      expect([answer.status, answer.body.detail], body).toEqual([status, expect.stringContaining(told)])
    }
    const tunable = { classes: null, minScore: 0.5, iou: null, maxObjects: 100 }
    expect((await patch(engine.url, place, '{}')).body).toEqual({ tunable })
  })

  it('takes null for an option that is left out again', async () => {
    await using engine = await startApp({ pipelines: [pipeline] })
    const answer = await patch(engine.url, 'entrance/streams/objects', '{"minScore":null,"classes":["dog"]}')
    expect(answer.body.tunable).toMatchObject({ minScore: null, classes: ['dog'] })
  })
})
