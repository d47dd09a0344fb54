import { describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import type { Health } from '../engine/routes/health.ts'
import { startApp } from './support/app.ts'
import { parseMetrics, sampleOf } from './support/metrics.ts'
import { startMjpegCamera } from './support/mjpeg-camera.ts'
import { until } from './support/wait.ts'

interface StateEvent {
  readonly n: number
  readonly event: { readonly name: string; readonly state: string; readonly frozen: boolean; readonly error?: string }
}

/** What a subscriber of a state topic was told, in order; with `at` in ms. */
function listen(url: string, query = '') {
  const socket = new WebSocket(`${url}/ws/demo/camera/state${query}`)
  const told: (StateEvent['event'] & { readonly n: number; readonly at: number })[] = []
  socket.on('message', (bytes) => {
    const { n, event } = JSON.parse(bytes.toString()) as StateEvent
    told.push({ ...event, n, at: performance.now() })
  })
  return { told, close: () => socket.close() }
}

const getHealth = async (url: string) => (await (await fetch(`${url}/api/health`)).json()) as Health

describe('the state of a source', () => {
  const camera = { source: 'test', pattern: 'ball', size: '320x240', rate: 15, linger: 0 }
  const pipeline = { name: 'demo', streams: { camera }, publish: ['camera'] }

  it('is told at each change, and at once to who comes later, and opens nothing', async () => {
    await using engine = await startApp({ pipelines: [pipeline] })
    const first = listen(engine.socketUrl)
    await until('the first event', () => first.told.length === 1)
    expect(first.told[0]).toMatchObject({ name: 'state', state: 'idle', frozen: false })
    expect((await getHealth(engine.url)).hosts.filter(({ name }) => name.startsWith('capture'))).toEqual([])
    const viewer = new WebSocket(`${engine.socketUrl}/ws/demo/camera`)
    await until('live', () => first.told.at(-1)?.state === 'live', 20_000)
    const later = [listen(engine.socketUrl), listen(engine.socketUrl, '?credits=2')]
    await until('the state for both', () => later.every(({ told }) => told.length === 1))
    for (const { told } of later) expect(told[0]).toMatchObject({ state: 'live', n: first.told.at(-1)?.n })

    const host = (await getHealth(engine.url)).hosts.find(({ name }) => name === 'capture:demo/camera')
    process.kill(host?.pid as number, 'SIGKILL')
    const killedAt = performance.now()
    await until('live again', () => first.told.length >= 5)
    const [, , , restarting, live] = first.told
    expect(restarting).toMatchObject({ state: 'restarting', error: expect.stringContaining('capture:demo/camera') })
    expect((restarting?.at ?? Number.NaN) - killedAt).toBeLessThan(2000)
    expect(live).toMatchObject({ state: 'live' })
    expect(live).not.toHaveProperty('error')

    viewer.close()
    await until('idle', () => first.told.at(-1)?.state === 'idle')
    expect(first.told.map(({ state }) => state)).toEqual(['idle', 'opening', 'live', 'restarting', 'live', 'idle'])
    const topic = await fetch(`${engine.url}/api/topics/demo/camera/state`)
    expect(await topic.json()).toMatchObject({ event: { name: 'state', state: 'idle' } })
    for (const { close } of [first, ...later]) close()
  })

  it('is frozen while a camera sends the same picture: in health, metrics and events', async () => {
    await using server = await startMjpegCamera()
    const streams = { camera: { source: 'stream', url: server.url, linger: 0 } }
    await using engine = await startApp({ pipelines: [{ ...pipeline, streams }] })
    const { told, close } = listen(engine.socketUrl)
    const viewer = new WebSocket(`${engine.socketUrl}/ws/demo/camera`)
    await until('live', () => told.at(-1)?.state === 'live', 20_000)
    const look = async () => {
      const { status, pipelines } = await getHealth(engine.url)
      const samples = parseMetrics(await (await fetch(`${engine.url}/metrics`)).text())
      const { state, frozen } = pipelines[0]?.streams[0] ?? {}
      return { status, state, frozen, metric: sampleOf(samples, 'hailstream_stream_frozen', { stream: 'camera' }) }
    }
    expect(await look()).toEqual({ status: 'ok', state: 'live', frozen: false, metric: 0 })
    server.moving = false
    await until('frozen', () => told.at(-1)?.frozen === true)
    expect(await look()).toEqual({ status: 'degraded', state: 'live', frozen: true, metric: 1 })
    server.moving = true
    await until('a picture that moves', () => told.at(-1)?.frozen === false, 2000)
    expect(await look()).toEqual({ status: 'ok', state: 'live', frozen: false, metric: 0 })
    expect(server.connections).toBe(1)
    viewer.close()
    close()
    await until('the camera to be closed', async () => (await look()).state === 'idle')
  })
})
