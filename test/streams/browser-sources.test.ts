import { describe, expect, it } from 'vitest'
import { type BrowserFrame, BrowserSourceRegistry } from '../../engine/streams/browser-sources.ts'
import type { FrameHead } from '../../engine/streams/wire.ts'
import { StillClock } from '../support/topic-packets.ts'

function makeRegistry() {
  const clock = new StillClock()
  return { clock, registry: new BrowserSourceRegistry(clock) }
}

function makePage() {
  const heard: string[] = []
  const publisher = {
    pause: () => heard.push('pause'),
    resume: () => heard.push('resume'),
    acknowledge: (seq: number) => heard.push(`ack ${seq}`),
  }
  return { heard, publisher }
}

const head = (seq: number, capturedAt = 1_764_011_045_000 + seq): FrameHead => ({
  v: 1,
  source: 'phone',
  type: 'image/jpeg',
  seq,
  capturedAt,
})
const code = (code: string) => expect.objectContaining({ code })

describe('BrowserSourceRegistry', () => {
  it('refuses a name that no pipeline declares, and a second page', () => {
    const { registry } = makeRegistry()
    const { publisher } = makePage()
    expect(() => registry.claim('phone', publisher)).toThrow(code('not-found'))
    registry.open('phone')
    const publication = registry.claim('phone', publisher)
    expect(() => registry.claim('phone', makePage().publisher)).toThrow(code('conflict'))
    publication.close()
    publication.close()
    registry.claim('phone', makePage().publisher)
  })

  it('tells the page pause and resume as demand comes and goes', () => {
    const { registry } = makeRegistry()
    const { heard, publisher } = makePage()
    const frames = registry.open('phone')
    const publication = registry.claim('phone', publisher)
    expect(publication.wanted).toBe(false)
    const [first, second] = [frames.subscribe(), frames.subscribe()]
    expect(publication.wanted).toBe(true)
    first.unsubscribe()
    expect(heard).toEqual(['resume'])
    second.unsubscribe()
    expect(heard).toEqual(['resume', 'pause'])
  })

  it('acknowledges a frame when every receiver has done with it, once', () => {
    const { registry } = makeRegistry()
    const { heard, publisher } = makePage()
    const frames = registry.open('phone')
    const got: BrowserFrame[] = []
    frames.subscribe((frame) => got.push(frame))
    frames.subscribe((frame) => got.push(frame))
    registry.claim('phone', publisher).frame(head(0), Buffer.from('a'))
    expect(got).toHaveLength(2)
    got[0]?.done()
    got[0]?.done()
    expect(heard).toEqual([])
    got[1]?.done()
    expect(heard).toEqual(['ack 0'])
  })

  it('drops a frame above the window of 2, says so, and takes the next after an acknowledgement', () => {
    const { registry } = makeRegistry()
    const { heard, publisher } = makePage()
    const got: BrowserFrame[] = []
    registry.open('phone').subscribe((frame) => got.push(frame))
    const publication = registry.claim('phone', publisher)
    publication.frame(head(0), Buffer.from('a'))
    publication.frame(head(1), Buffer.from('b'))
    expect(() => publication.frame(head(2), Buffer.from('c'))).toThrow(code('busy'))
    expect(registry.dropped).toBe(1)
    got[0]?.done()
    publication.frame(head(3), Buffer.from('d'))
    expect(got.map(({ seq }) => seq)).toEqual([0, 1, 3])
    expect(heard).toEqual(['ack 0'])
  })

  it('acknowledges and drops what comes while nobody wants it, and what a receiver leaves behind', () => {
    const { registry } = makeRegistry()
    const { heard, publisher } = makePage()
    const frames = registry.open('phone')
    const publication = registry.claim('phone', publisher)
    publication.frame(head(0), Buffer.from('a'))
    expect(heard).toEqual(['ack 0'])
    expect(registry.dropped).toBe(1)
    const subscription = frames.subscribe()
    publication.frame(head(1), Buffer.from('b'))
    subscription.unsubscribe()
    expect(heard).toEqual(['ack 0', 'resume', 'ack 1', 'pause'])
  })

  it('does not acknowledge to a page that has left', () => {
    const { registry } = makeRegistry()
    const { heard, publisher } = makePage()
    const got: BrowserFrame[] = []
    registry.open('phone').subscribe((frame) => got.push(frame))
    const publication = registry.claim('phone', publisher)
    publication.frame(head(0), Buffer.from('a'))
    publication.close()
    got[0]?.done()
    expect(heard).toEqual([])
  })

  it("maps the page's clock by the smallest delay that was seen", () => {
    const { registry, clock } = makeRegistry()
    const { publisher } = makePage()
    const times: bigint[] = []
    registry.open('phone').subscribe((frame) => {
      times.push(frame.capturedAt)
      frame.done()
    })
    const publication = registry.claim('phone', publisher)
    // The page's clock is a year off; its frames take 80, 20 and 50 ms.
    for (const [stampMs, delayMs] of [
      [0, 80],
      [100, 20],
      [200, 50],
    ] as const) {
      clock.nowNs = BigInt(stampMs + delayMs) * 1_000_000n
      publication.frame(head(stampMs, 1_795_547_045_000 + stampMs), Buffer.from('a'))
    }
    expect(times.map((time) => Number(time / 1_000_000n))).toEqual([80, 120, 220])
  })
})
