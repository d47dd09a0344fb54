import { describe, expect, it } from 'vitest'
import type { ResultMessage } from '../../engine/streams/wire.ts'
import { Pairing, type Picture } from '../../web/pairing.ts'

interface TestPicture extends Picture {
  closed: number
}

function picture(seq: number, receivedAt: number): TestPicture {
  const made: TestPicture = {
    seq,
    capturedAt: receivedAt,
    receivedAt,
    closed: 0,
    bitmap: {
      width: 4,
      height: 3,
      close: () => {
        made.closed += 1
      },
    },
  }
  return made
}

function result(topic: string, seq: number): ResultMessage {
  return { topic, n: seq, epoch: 'e', seq, capturedAt: 0, publishedAt: 0, objects: [] }
}

function started(...topics: string[]): Pairing<TestPicture> {
  const pairing = new Pairing<TestPicture>()
  pairing.choose(topics)
  return pairing
}

describe('Pairing', () => {
  it('shows the newest picture plain until the first results come', () => {
    const pairing = started('a')
    pairing.addPicture(picture(1, 0))
    pairing.addPicture(picture(2, 100))
    expect(pairing.next(100)).toMatchObject({ picture: { seq: 2 }, match: 'none', results: [] })
    expect(pairing.next(110)).toBeUndefined()
  })

  it('holds a picture back until every live topic has its result', () => {
    const pairing = started('a', 'b')
    pairing.addResult('a', result('a', 0), 0)
    pairing.addResult('b', result('b', 0), 0)
    pairing.addPicture(picture(0, 0))
    expect(pairing.next(0)).toMatchObject({ picture: { seq: 0 }, match: 'all' })
    pairing.addPicture(picture(1, 100))
    pairing.addPicture(picture(2, 200))
    pairing.addResult('a', result('a', 1), 250)
    expect(pairing.next(250)).toBeUndefined()
    pairing.addResult('b', result('b', 1), 300)
    const drawing = pairing.next(300)
    expect(drawing).toMatchObject({ picture: { seq: 1 }, match: 'all' })
    expect(drawing?.results.map(({ topic, seq }) => [topic, seq])).toEqual([
      ['a', 1],
      ['b', 1],
    ])
  })

  it('skips a result whose picture never came, and never lends it to another', () => {
    const pairing = started('a')
    pairing.addResult('a', result('a', 0), 0)
    pairing.addPicture(picture(0, 0))
    pairing.next(0)
    pairing.addPicture(picture(2, 200))
    pairing.addResult('a', result('a', 1), 250)
    expect(pairing.next(250)).toBeUndefined()
    pairing.addResult('a', result('a', 2), 350)
    expect(pairing.next(350)?.results).toMatchObject([{ seq: 2 }])
  })

  it('goes on plain when the results stop, and back in step when they return', () => {
    const pairing = started('a')
    pairing.addResult('a', result('a', 0), 0)
    pairing.addPicture(picture(0, 0))
    pairing.next(0)
    pairing.addPicture(picture(1, 900))
    expect(pairing.next(950)).toBeUndefined()
    expect(pairing.next(1001)).toMatchObject({ picture: { seq: 1 }, match: 'none' })
    pairing.addPicture(picture(2, 1100))
    expect(pairing.next(1100)).toMatchObject({ picture: { seq: 2 }, match: 'none' })
    pairing.addResult('a', result('a', 1), 1200)
    expect(pairing.next(1200)).toMatchObject({ picture: { seq: 1 }, match: 'all' })
  })

  it('goes on plain when results lag for more than a second', () => {
    const pairing = started('a')
    let plain = 0
    for (let seq = 0; seq < 60; seq++) {
      pairing.addPicture(picture(seq, seq * 100))
      if (seq >= 12) pairing.addResult('a', result('a', seq - 12), seq * 100)
      const drawing = pairing.next(seq * 100)
      expect(drawing?.results.every((one) => one.seq === drawing.picture.seq)).toBe(true)
      if (drawing?.match === 'none') plain += 1
    }
    expect(plain).toBe(60)
  })

  it('takes a picture with some results when topics skip different pictures', () => {
    const pairing = started('a', 'b')
    const matches: (string | undefined)[] = []
    for (let seq = 0; seq < 20; seq++) {
      pairing.addPicture(picture(seq, seq * 100))
      pairing.addResult(seq % 2 === 0 ? 'a' : 'b', result(seq % 2 === 0 ? 'a' : 'b', seq), seq * 100)
      matches.push(pairing.next(seq * 100)?.match)
    }
    expect(matches.slice(-10)).toContain('some')
    expect(matches.slice(-10)).not.toContain('none')
  })

  it('closes each picture once and holds a bounded number of them', () => {
    const pairing = started('a')
    const pictures = Array.from({ length: 500 }, (_, seq) => picture(seq, seq * 10))
    let most = 0
    for (const one of pictures) {
      pairing.addPicture(one)
      if (one.seq % 3 === 0) pairing.addResult('a', result('a', one.seq - 20), one.receivedAt)
      pairing.next(one.receivedAt)
      most = Math.max(most, pictures.slice(0, one.seq + 1).filter(({ closed }) => closed === 0).length)
    }
    expect(most).toBeLessThanOrEqual(42)
    pairing.reset()
    expect(pictures.filter(({ closed }) => closed === 0)).toHaveLength(1)
    expect(pictures.filter(({ closed }) => closed > 1)).toHaveLength(0)
  })

  it('begins again after a reset, though the numbers are smaller', () => {
    const pairing = started('a')
    pairing.addResult('a', result('a', 900), 0)
    pairing.addPicture(picture(900, 0))
    pairing.next(0)
    pairing.reset()
    pairing.addPicture(picture(0, 50))
    expect(pairing.next(50)).toMatchObject({ picture: { seq: 0 }, match: 'none' })
    pairing.addResult('a', result('a', 0), 60)
    expect(pairing.next(60)).toMatchObject({ picture: { seq: 0 }, match: 'all' })
  })

  it('closes a picture that comes too late, or twice', () => {
    const pairing = started('a')
    pairing.addResult('a', result('a', 5), 0)
    pairing.addPicture(picture(5, 0))
    pairing.next(0)
    const late = picture(4, 10)
    const twice = [picture(6, 20), picture(6, 20)] as const
    for (const one of [late, ...twice]) pairing.addPicture(one)
    expect([late.closed, twice[0].closed, twice[1].closed]).toEqual([1, 0, 1])
  })
})
