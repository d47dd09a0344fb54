import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { EncodedMessage } from '../../engine/streams/encode.ts'
import { type Flow, maxBufferedBytes, Subscriber } from '../../engine/streams/subscriber.ts'

function makeClient(flow: Flow) {
  const client = { sent: [] as number[], bufferedBytes: 0, accepts: true }
  const subscriber = new Subscriber(
    {
      get bufferedBytes() {
        return client.bufferedBytes
      },
      send: ({ n }) => {
        if (client.accepts) client.sent.push(n)
        return client.accepts
      },
    },
    flow,
  )
  const deliver = (...counters: number[]) => {
    for (const n of counters) subscriber.deliver(message(n))
  }
  return { client, subscriber, deliver }
}

function message(n: number): EncodedMessage {
  const bytes = Buffer.from(String(n))
  return { topic: 'demo/people', n, epoch: 'e', binary: false, bytes, body: bytes, type: 'application/json' }
}

describe('Subscriber with credits', () => {
  it('sends as many as there are credits, then keeps the newest and counts the others', () => {
    const { client, subscriber, deliver } = makeClient({ credits: 2 })
    deliver(0, 1, 2, 3, 4)
    expect(client.sent).toEqual([0, 1])
    expect(subscriber.dropped).toBe(2)
    subscriber.acknowledge(0)
    expect(client.sent).toEqual([0, 1, 4])
    subscriber.acknowledge(4)
    deliver(5, 6, 7)
    expect(client.sent).toEqual([0, 1, 4, 5, 6])
  })

  it('gives a client that stalled two stale messages at most, then the newest', () => {
    const { client, subscriber, deliver } = makeClient({ credits: 2 })
    deliver(...Array.from({ length: 150 }, (_, n) => n))
    subscriber.acknowledge(0)
    subscriber.acknowledge(1)
    expect(client.sent).toEqual([0, 1, 149])
    expect(subscriber.dropped).toBe(147)
  })

  it('acknowledges all up to n', () => {
    const { client, subscriber, deliver } = makeClient({ credits: 3 })
    deliver(0, 1, 2)
    subscriber.acknowledge(2)
    deliver(3, 4, 5)
    expect(client.sent).toEqual([0, 1, 2, 3, 4, 5])
  })

  it('ignores an acknowledgement that is unknown or repeated', () => {
    const { client, subscriber, deliver } = makeClient({ credits: 1 })
    deliver(0, 1)
    subscriber.acknowledge(99)
    expect(client.sent).toEqual([0])
    subscriber.acknowledge(0)
    subscriber.acknowledge(0)
    deliver(2)
    expect(client.sent).toEqual([0, 1])
  })

  it('waits for the socket to drain even with credits left', () => {
    const { client, subscriber, deliver } = makeClient({ credits: 2 })
    client.bufferedBytes = maxBufferedBytes + 1
    deliver(0, 1)
    expect(client.sent).toEqual([])
    client.bufferedBytes = 0
    subscriber.flush()
    expect(client.sent).toEqual([1])
  })

  it('sends nothing more once closed', () => {
    const { client, subscriber, deliver } = makeClient({ credits: 1 })
    deliver(0, 1)
    subscriber.close()
    subscriber.acknowledge(0)
    expect(client.sent).toEqual([0])
  })
})

describe('Subscriber with a rate', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('sends at most that many messages a second, and the newest when it is time', () => {
    const { client, subscriber, deliver } = makeClient({ rate: 10 })
    for (let n = 0; n < 100; n++) {
      deliver(n)
      vi.advanceTimersByTime(10)
    }
    expect(client.sent.length).toBeGreaterThanOrEqual(10)
    expect(client.sent.length).toBeLessThanOrEqual(11)
    expect(client.sent[0]).toBe(0)
    expect(client.sent[1]).toBeGreaterThanOrEqual(8)
    vi.advanceTimersByTime(200)
    expect(client.sent.at(-1)).toBe(99)
    expect(subscriber.dropped + client.sent.length).toBe(100)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('does not wait longer after a pause', () => {
    const { client, deliver } = makeClient({ rate: 1 })
    deliver(0)
    vi.advanceTimersByTime(60_000)
    deliver(1)
    expect(client.sent).toEqual([0, 1])
  })

  it('leaves no timer behind', () => {
    const { subscriber, deliver } = makeClient({ rate: 1 })
    deliver(0, 1)
    expect(vi.getTimerCount()).toBe(1)
    subscriber.close()
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('Subscriber without either', () => {
  it('drops and counts what comes while too much is buffered', () => {
    const { client, subscriber, deliver } = makeClient({})
    deliver(0)
    client.bufferedBytes = maxBufferedBytes + 1
    deliver(1, 2)
    client.bufferedBytes = 0
    deliver(3)
    expect(client.sent).toEqual([0, 3])
    expect(subscriber.dropped).toBe(2)
  })
})
