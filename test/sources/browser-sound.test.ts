import { describe, expect, it } from 'vitest'
import { Edge } from '../../engine/core/edge.ts'
import type { PacketOf } from '../../engine/core/packet.ts'
import browserSound from '../../engine/sources/browser-sound.ts'
import { BrowserSourceRegistry } from '../../engine/streams/browser-sources.ts'
import type { Tools } from '../../engine/tools.ts'
import { tone } from '../support/scripted-speech.ts'
import { StillClock, silentLog } from '../support/topic-packets.ts'

function makeSource(options: unknown = {}) {
  const clock = new StillClock()
  const registry = new BrowserSourceRegistry(clock)
  const edge = new Edge('demo/phone')
  let seq = 0
  const tools = {
    pipeline: 'demo',
    stream: 'phone',
    log: silentLog,
    clock,
    edge,
    nextSeq: () => seq++,
    browser: registry,
  }
  const packets = browserSound.open(browserSound.options.parse(options), tools as Partial<Tools> as Tools)
  const heard: string[] = []
  const publisher = {
    pause: () => heard.push('pause'),
    resume: () => heard.push('resume'),
    acknowledge: (frame: number) => heard.push(`ack ${frame}`),
  }
  const head = (number: number) =>
    ({ v: 1, source: 'phone', type: 'audio/pcm', seq: number, capturedAt: 1_764_011_045_000 + 20 * number }) as const
  return { registry, edge, packets, heard, publisher, head }
}

const format = { sampleRate: 48_000, channels: 2 } as const
const bytesOf = (samples: Int16Array) => new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength)

describe('the source browser-sound', () => {
  it('makes packets of what a page sends, acknowledges each, and pauses the page when nobody listens', () => {
    const { registry, edge, packets, heard, publisher, head } = makeSource()
    const publication = registry.claim('phone', publisher)
    const got: PacketOf<'audio'>[] = []
    const subscription = packets.subscribe((packet) => got.push(packet))
    const samples = tone(440, 48_000, 0.04)
    publication.frame({ ...head(7), ...format }, bytesOf(samples))
    publication.frame({ ...head(8), ...format }, bytesOf(samples))
    expect(got.map(({ seq, stream, source }) => ({ seq, stream, source }))).toEqual([
      { seq: 0, stream: 'phone', source: 'phone' },
      { seq: 1, stream: 'phone', source: 'phone' },
    ])
    expect(got[0]?.payload).toEqual({ kind: 'audio', samples, ...format })
    expect(edge.counts).toMatchObject({ in: 2, out: 2, failed: 0 })
    subscription.unsubscribe()
    expect(heard).toEqual(['resume', 'ack 7', 'ack 8', 'pause'])
  })

  it('counts a piece that is no sound, and goes on', () => {
    const { registry, edge, packets, heard, publisher, head } = makeSource({ name: 'desk' })
    const publication = registry.claim('desk', publisher)
    const got: PacketOf<'audio'>[] = []
    packets.subscribe((packet) => got.push(packet))
    publication.frame({ ...head(0), ...format }, new Uint8Array(7))
    publication.frame({ ...head(1), ...format }, new Uint8Array(48_000 * 4 * 11))
    publication.frame({ ...head(2), ...format }, new Uint8Array(8))
    expect(got).toHaveLength(1)
    expect(edge.counts).toMatchObject({ in: 3, out: 1, failed: 2 })
    expect(heard).toEqual(['resume', 'ack 0', 'ack 1', 'ack 2'])
  })

  it('refuses pictures, and a name that a source of pictures has', () => {
    const { registry, publisher, head } = makeSource()
    const publication = registry.claim('phone', publisher)
    expect(() => publication.frame({ ...head(0), type: 'image/jpeg' }, new Uint8Array(8))).toThrow(
      'Expected audio/pcm for the source phone, received image/jpeg',
    )
    expect(() => registry.open('phone')).toThrow(expect.objectContaining({ code: 'conflict' }))
  })
})
