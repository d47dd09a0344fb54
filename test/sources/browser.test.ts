import { describe, expect, it } from 'vitest'
import { Edge } from '../../engine/core/edge.ts'
import type { PacketOf } from '../../engine/core/packet.ts'
import { EngineError } from '../../engine/errors.ts'
import browser from '../../engine/sources/browser.ts'
import { BrowserSourceRegistry } from '../../engine/streams/browser-sources.ts'
import type { Tools } from '../../engine/tools.ts'
import { FakeVision } from '../support/fake-vision.ts'
import { StillClock, silentLog } from '../support/topic-packets.ts'
import { until } from '../support/wait.ts'

function makeSource(options: unknown = {}) {
  const clock = new StillClock()
  const registry = new BrowserSourceRegistry(clock)
  const vision = new FakeVision()
  const edge = new Edge('demo/phone')
  let seq = 0
  const tools = {
    pipeline: 'demo',
    stream: 'phone',
    log: silentLog,
    clock,
    edge,
    nextSeq: () => seq++,
    vision,
    browser: registry,
  }
  const packets = browser.open(browser.options.parse(options), tools as unknown as Tools)
  const heard: string[] = []
  const publisher = {
    pause: () => heard.push('pause'),
    resume: () => heard.push('resume'),
    acknowledge: (frame: number) => heard.push(`ack ${frame}`),
  }
  const frame = (number: number) =>
    ({ v: 1, source: 'phone', type: 'image/jpeg', seq: number, capturedAt: 1_764_011_045_000 }) as const
  return { registry, vision, edge, packets, heard, publisher, frame }
}

describe('the source browser', () => {
  it('is published by the name of its stream, or by its own', () => {
    const { registry, publisher } = makeSource()
    registry.claim('phone', publisher)
    const named = makeSource({ name: 'stage-left' })
    named.registry.claim('stage-left', publisher)
    expect(() => named.registry.claim('phone', publisher)).toThrow(expect.objectContaining({ code: 'not-found' }))
    expect(() => browser.options.parse({ nmae: 'x' })).toThrow()
  })

  it('decodes frames in order into packets with numbers of its own, and acknowledges each', async () => {
    const { registry, vision, edge, packets, heard, publisher, frame } = makeSource()
    const got: PacketOf<'image'>[] = []
    const subscription = packets.subscribe((packet) => got.push(packet))
    const publication = registry.claim('phone', publisher)
    publication.frame(frame(40), Buffer.from('first'))
    publication.frame(frame(41), Buffer.from('second'))
    expect(edge.counts).toMatchObject({ in: 2, waiting: 2, out: 0 })
    await until('two packets', () => got.length === 2)
    expect(vision.decoded.map(String)).toEqual(['first', 'second'])
    expect(got.map(({ seq, stream, source }) => ({ seq, stream, source }))).toEqual([
      { seq: 0, stream: 'phone', source: 'phone' },
      { seq: 1, stream: 'phone', source: 'phone' },
    ])
    expect(heard).toEqual(['ack 40', 'ack 41'])
    expect(edge.counts).toEqual({ in: 2, out: 2, dropped: 0, failed: 0, waiting: 0 })
    for (const packet of got) packet[Symbol.dispose]()
    expect(vision.images.map(({ holders }) => holders)).toEqual([0, 0])
    subscription.unsubscribe()
  })

  it('counts and acknowledges a frame that cannot be decoded, and goes on', async () => {
    const { registry, vision, edge, packets, heard, publisher, frame } = makeSource()
    const got: PacketOf<'image'>[] = []
    packets.subscribe((packet) => got.push(packet))
    const publication = registry.claim('phone', publisher)
    vision.refusal = new EngineError('invalid', 'Expected a JPEG')
    publication.frame(frame(0), Buffer.from('broken'))
    await until('the failure', () => edge.counts.failed === 1)
    vision.refusal = undefined
    publication.frame(frame(1), Buffer.from('whole'))
    await until('a packet', () => got.length === 1)
    expect(heard).toEqual(['ack 0', 'ack 1'])
  })

  it('pauses the page and gives back what was under way when it is closed', async () => {
    const { registry, vision, edge, packets, heard, publisher, frame } = makeSource()
    const got: PacketOf<'image'>[] = []
    let open: () => void = () => undefined
    vision.decodeGate = new Promise((resolve) => {
      open = resolve
    })
    const publication = registry.claim('phone', publisher)
    const subscription = packets.subscribe((packet) => got.push(packet))
    publication.frame(frame(0), Buffer.from('a'))
    publication.frame(frame(1), Buffer.from('b'))
    await until('the first to be begun', () => vision.decoded.length === 1)
    subscription.unsubscribe()
    open()
    await until('all to be settled', () => edge.counts.waiting === 0)
    expect(got).toEqual([])
    expect(vision.images.map(({ holders }) => holders)).toEqual([0])
    expect(edge.counts).toMatchObject({ in: 2, out: 0, dropped: 2 })
    expect(heard).toEqual(['resume', 'ack 0', 'ack 1', 'pause'])
  })
})
