import { describe, expect, it } from 'vitest'
import { pipelineRoutes } from '../../engine/routes/pipelines.ts'
import { startApp } from '../support/app.ts'

describe('GET /api/pipelines', () => {
  it('tells of each stream what makes it and which source its packets began in', async () => {
    const streams = {
      camera: { source: 'test', size: '320x240', rate: 5 },
      slow: { from: 'camera', node: 'sample', rate: 1 },
      objects: { from: 'slow', node: 'detect' },
      drawn: { from: { image: 'slow', objects: 'objects' }, node: 'annotate' },
    }
    await using engine = await startApp({ pipelines: [{ name: 'entrance', streams, publish: ['drawn'] }, 'nowhere'] })
    expect(await (await fetch(`${engine.url}/api/pipelines`)).json()).toEqual([
      {
        name: 'entrance',
        state: 'running',
        streams: [
          { name: 'camera', kind: 'image', plugin: 'test', source: 'camera', published: false },
          { name: 'slow', kind: 'image', plugin: 'sample', source: 'camera', published: false },
          { name: 'objects', kind: 'objects', plugin: 'detect', source: 'camera', published: false },
          { name: 'drawn', kind: 'image', plugin: 'annotate', source: 'camera', published: true },
        ],
      },
      { name: 'nowhere', state: 'failed', streams: [] },
    ])
  })

  it('refuses other methods', async () => {
    const response = await pipelineRoutes(() => []).request('/api/pipelines', { method: 'POST' })
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('GET, HEAD')
  })
})
