import { describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import { messageSchema, messageSchemas } from '../../engine/streams/message-schema.ts'
import { unpackBinary } from '../../engine/streams/wire.ts'
import { startApp } from '../support/app.ts'

function firstMessage(url: string): Promise<Buffer> {
  const socket = new WebSocket(url)
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.once('message', (data) => {
      socket.close()
      resolve(data as Buffer)
    })
  })
}

describe('message schemas', () => {
  it('hold for what a real engine sends, and stand in the list of topics', async () => {
    const streams = {
      camera: { source: 'test', size: '320x240', rate: 5 },
      objects: { from: 'camera', node: 'detect', minScore: 0 },
    }
    await using engine = await startApp({ pipelines: [{ name: 'demo', streams, publish: ['camera', 'objects'] }] })
    const result = JSON.parse((await firstMessage(`${engine.socketUrl}/ws/demo/objects`)).toString())
    expect(messageSchemas.objects.parse(result).objects.length).toBeGreaterThan(0)
    const { head } = unpackBinary(await firstMessage(`${engine.socketUrl}/ws/demo/camera`))
    expect(messageSchemas.image.parse(head)).toEqual(head)
    const topics = (await (await fetch(`${engine.url}/api/topics`)).json()) as { topic: string; schema: unknown }[]
    expect(topics.map(({ topic, schema }) => [topic, schema])).toEqual([
      ['demo/camera', messageSchema('image')],
      ['demo/objects', messageSchema('objects')],
      ['demo/camera/state', messageSchema('event')],
    ])
  })

  it('refuse what the contract does not name', () => {
    const message = {
      topic: 'a/b',
      n: 0,
      epoch: 'e',
      seq: 0,
      capturedAt: 1,
      publishedAt: 2,
      text: { text: 'hi', final: true },
    }
    expect(messageSchemas.text.safeParse(message).success).toBe(true)
    expect(messageSchemas.text.safeParse({ ...message, extra: 1 }).success).toBe(false)
    expect(messageSchema('text')).toMatchObject({ type: 'object', additionalProperties: false })
  })
})
