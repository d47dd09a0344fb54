import { pino } from 'pino'
import { expect, it, vi } from 'vitest'
import { byName } from '../engine/core/registry.ts'
import { EngineError } from '../engine/errors.ts'
import jpeg from '../engine/nodes/jpeg.ts'
import { PipelineSet, type SharedTools } from '../engine/pipeline-set.ts'
import { Hub } from '../engine/streams/hub.ts'
import { PacketMaker } from './support/packets.ts'
import { HandSource } from './support/plugins.ts'
import { StillClock } from './support/topic-packets.ts'

it('logs why the pictures of a topic cannot be encoded, and lets go of them', async () => {
  vi.useFakeTimers()
  const maker = new PacketMaker()
  const camera = new HandSource(maker)
  const lines: { level: number; msg: string; error?: string }[] = []
  const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  const clock = new StillClock()
  const encodeJpeg = () => Promise.reject(new EngineError('too-large', 'Expected a smaller picture'))
  const vision = { encodeJpeg, prepare: () => undefined }
  const shared = { clock, vision } as unknown as SharedTools
  const hub = new Hub({ clock, log, readImage: () => Buffer.from('none') })
  const set = new PipelineSet({ folder: '', plugins: byName([camera.plugin('camera'), jpeg]), shared, hub, clock, log })
  set.start({ name: 'p', streams: { front: { source: 'camera' } }, publish: ['front'] })
  const leave = hub.subscribe('p/front', { size: 1, deliver: () => expect.unreachable() })
  camera.send()
  await vi.advanceTimersByTimeAsync(1500)
  expect(lines).toMatchObject([{ msg: 'packets failed', stream: 'front as JPEG', error: 'Expected a smaller picture' }])
  leave()
  await set[Symbol.asyncDispose]()
  maker.expectNoneHeld()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})
