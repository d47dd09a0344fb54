import { expect, it } from 'vitest'
import WebSocket from 'ws'
import { startApp } from './support/app.ts'
import { parseMetrics, sampleOf } from './support/metrics.ts'
import { until } from './support/wait.ts'

const streams = {
  camera: { source: 'test', pattern: 'ball', size: '320x240', rate: 15 },
  objects: { from: 'camera', node: 'detect' },
}
const pipeline = { name: 'demo', streams, publish: ['camera', 'objects'] }

it('shows the work of a running engine, and its counters balance', async () => {
  await using engine = await startApp({ pipelines: [pipeline] })
  const scrape = async () => parseMetrics(await (await fetch(`${engine.url}/metrics`)).text())
  const socket = new WebSocket(`${engine.socketUrl}/ws/demo/objects`)
  const camera = { pipeline: 'demo', stream: 'camera' }
  const objects = { pipeline: 'demo', stream: 'objects' }
  const samples = await until(
    'twenty results',
    async () => {
      const now = await scrape()
      return (sampleOf(now, 'hailstream_messages_published_total', objects) ?? 0) >= 20 && now
    },
    60_000,
  )
  const value = (name: string, labels = {}) => sampleOf(samples, `hailstream_${name}`, labels)
  for (const stream of [camera, objects]) {
    const [came, out, dropped, failed, waiting] = [
      'in_total',
      'out_total',
      'dropped_total',
      'failed_total',
      'waiting',
    ].map((name) => value(`packets_${name}`, stream) ?? Number.NaN) as [number, number, number, number, number]
    expect(came).toBeGreaterThanOrEqual(20)
    expect(came).toBe(out + dropped + failed + waiting)
    expect(value('stream_state', { ...stream, state: 'live' })).toBe(1)
    expect(value('stream_state', { ...stream, state: 'idle' })).toBe(0)
    expect(value('stream_frozen', stream)).toBe(0)
    expect(value('stream_restarts_total', stream)).toBe(0)
  }
  const latencies = value('publish_latency_seconds_count', objects) ?? 0
  expect(latencies).toBe(value('messages_published_total', objects))
  expect(value('topic_subscribers', objects)).toBe(1)
  expect(value('work_seconds_count', { resource: 'centernet-mobilenet' })).toBeGreaterThanOrEqual(20)
  expect(value('model_loaded', { model: 'centernet-mobilenet' })).toBe(1)
  expect(value('host_up', { host: 'capture:demo/camera' })).toBe(1)
  const images = ['free', 'lent', 'held'].reduce((sum, state) => sum + (value('images', { state }) ?? 0), 0)
  expect(images).toBe(32)
  expect(value('images_leaked_total')).toBe(0)
  expect(value('build_info', { version: '0.0.0-test' })).toBe(1)
  const { temperature } = (await engine.app.health()).load
  expect(value('processor_celsius') === undefined).toBe(temperature === null)
  expect(value('load_level')).toBeGreaterThanOrEqual(0)
  expect(value('machine_cpu_ratio')).toBeGreaterThan(0)
  expect(value('machine_cpu_ratio')).toBeLessThanOrEqual(1)
  for (const name of ['memory_bytes', 'process_resident_memory_bytes', 'process_open_fds', 'process_cpu_seconds_total'])
    expect(value(name)).toBeGreaterThan(0)
  expect(value('event_loop_delay_seconds', { quantile: '0.5' })).toBeLessThan(1)
  socket.close()
})
