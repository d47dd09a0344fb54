import { setMaxListeners } from 'node:events'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Channel, type Handlers, type Port, serve } from '../../engine/hosts/channel.ts'
import type { Message, Protocol } from '../../engine/hosts/protocol.ts'

interface EchoProtocol extends Protocol {
  calls: {
    echo: { params: string; result: string }
    wait: { params: null; result: string }
    fail: { params: string; result: string }
    ping: { params: Record<string, never>; result: { readonly now: bigint } }
  }
  streams: { count: { params: number; item: number }; drip: { params: null; item: number } }
  toHost: { hello: string }
  toEngine: { news: string }
}

/** Two ports that hand each message to the other one, later. */
function connect() {
  const close = { engine: [] as (() => void)[], host: [] as (() => void)[] }
  const seen: Message[] = []
  const port = (side: 'engine' | 'host', other: { take: (message: Message) => void }, own: typeof other): Port => ({
    send: (message) => {
      if (side === 'engine') seen.push(message)
      queueMicrotask(() => other.take(structuredClone(message)))
    },
    onMessage: (listener) => {
      own.take = listener
    },
    onClose: (listener) => void close[side].push(listener),
  })
  const engineEnd = { take: (_: Message): void => undefined }
  const hostEnd = { take: (_: Message): void => undefined }
  return {
    engine: port('engine', hostEnd, engineEnd),
    host: port('host', engineEnd, hostEnd),
    toEngine: (message: Message) => engineEnd.take(message),
    seen,
    close: () => [...close.engine, ...close.host].forEach((listener) => void listener()),
  }
}

function open(handlers: Partial<Handlers<EchoProtocol>['calls']> = {}) {
  const pipe = connect()
  const deadlines: string[] = []
  const hostSignals: AbortSignal[] = []
  const heard: string[] = []
  const channel = new Channel<EchoProtocol>(pipe.engine, (method) => deadlines.push(method))
  const serving = serve<EchoProtocol>(
    {
      calls: {
        echo: (text) => text.toUpperCase(),
        wait: (_, signal) => {
          hostSignals.push(signal)
          return new Promise(() => undefined)
        },
        fail: (code) => {
          throw Object.assign(new Error('broken'), { code })
        },
        ...handlers,
      },
      streams: {
        async *count(to) {
          for (let i = 0; i < to; i++) yield i
        },
        async *drip(_, signal) {
          hostSignals.push(signal)
          yield 1
          await new Promise((resolve) => signal.addEventListener('abort', resolve))
        },
      },
      events: { hello: (text) => void heard.push(text) },
    },
    pipe.host,
  )
  return { ...pipe, channel, serving, deadlines, hostSignals, heard }
}

const never = { signal: new AbortController().signal, deadlineMs: 1000 }
setMaxListeners(0, never.signal)

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

describe('channel', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('answers a call and settles it', async () => {
    const { channel } = open()
    const { answer, settled } = channel.begin('echo', 'hi', never)
    expect(await answer).toBe('HI')
    await settled
    expect(vi.getTimerCount()).toBe(0)
  })

  it('answers pings without a handler', async () => {
    const { channel } = open()
    const { now } = await channel.begin('ping', {}, never).answer
    expect(typeof now).toBe('bigint')
  })

  it('carries the code of an error, and calls a bug internal', async () => {
    const { channel } = open()
    await expect(channel.begin('fail', 'too-large', never).answer).rejects.toMatchObject({
      code: 'too-large',
      message: 'broken',
    })
    await expect(channel.begin('fail', 'ENOENT', never).answer).rejects.toMatchObject({ code: 'internal' })
    await expect(channel.begin('nothing' as 'echo', '', never).answer).rejects.toMatchObject({ code: 'not-found' })
  })

  it('answers an abort at once, tells the host, and settles only when the host answers', async () => {
    const { channel, hostSignals, toEngine } = open()
    const abort = new AbortController()
    const { answer, settled } = channel.begin('wait', null, { signal: abort.signal, deadlineMs: 1000 })
    let over = false
    void settled.then(() => {
      over = true
    })
    await vi.advanceTimersByTimeAsync(0)
    abort.abort()
    await expect(answer).rejects.toMatchObject({ code: 'cancelled' })
    await vi.advanceTimersByTimeAsync(0)
    expect(hostSignals[0]?.aborted).toBe(true)
    expect(over).toBe(false)
    toEngine({ t: 'result', id: 1, value: 'late' })
    await settled
    expect(vi.getTimerCount()).toBe(0)
  })

  it('reports a passed deadline, even of a cancelled call', async () => {
    const { channel, deadlines } = open()
    const { answer } = channel.begin('wait', null, never)
    const expectation = expect(answer).rejects.toMatchObject({ code: 'timeout' })
    await vi.advanceTimersByTimeAsync(1001)
    await expectation
    const abort = new AbortController()
    const second = channel.begin('wait', null, { signal: abort.signal, deadlineMs: 1000 })
    abort.abort()
    await expect(second.answer).rejects.toMatchObject({ code: 'cancelled' })
    await vi.advanceTimersByTimeAsync(1001)
    expect(deadlines).toEqual(['wait', 'wait'])
  })

  it('rejects everything open with unavailable when the pipe closes, and settles it when the host is reaped', async () => {
    const { channel, close, hostSignals } = open()
    const { answer, settled } = channel.begin('wait', null, never)
    let over = false
    void settled.then(() => {
      over = true
    })
    await vi.advanceTimersByTimeAsync(0)
    close()
    await expect(answer).rejects.toMatchObject({ code: 'unavailable' })
    expect(hostSignals[0]?.aborted).toBe(true)
    expect(over).toBe(false)
    channel.reap()
    await settled
    await expect(channel.begin('echo', 'x', never).answer).rejects.toMatchObject({ code: 'unavailable' })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('ignores answers to unknown and settled calls', async () => {
    const { channel, toEngine } = open()
    toEngine({ t: 'result', id: 99, value: 1 })
    expect(await channel.begin('echo', 'a', never).answer).toBe('A')
    toEngine({ t: 'error', id: 1, code: 'internal', message: 'late' })
    expect(await channel.begin('echo', 'b', never).answer).toBe('B')
  })

  it('refuses the 257th open call as busy, without asking the host', async () => {
    const { channel, seen } = open()
    const answers = Array.from({ length: 256 }, () => channel.begin('wait', null, never).answer)
    await expect(channel.begin('echo', 'x', never).answer).rejects.toMatchObject({ code: 'busy' })
    expect(seen).toHaveLength(256)
    channel.reap()
    expect((await Promise.allSettled(answers)).every((answer) => answer.status === 'rejected')).toBe(true)
  })

  it('does not send a call that is aborted beforehand', async () => {
    const { channel, seen } = open()
    const answer = channel.begin('echo', 'x', { signal: AbortSignal.abort(), deadlineMs: 10 }).answer
    await expect(answer).rejects.toMatchObject({ code: 'cancelled' })
    expect(seen).toEqual([])
  })

  it('streams items in order until the end', async () => {
    const { channel } = open()
    expect(await collect(channel.stream('count', 5, never))).toEqual([0, 1, 2, 3, 4])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('tells of a stream that was left that the host has ended it, and not before', async () => {
    const { channel, hostSignals } = open()
    const { items, settled } = channel.beginStream('drip', null, never)
    let over = false
    void settled.then(() => {
      over = true
    })
    expect(await items.next()).toEqual({ value: 1, done: false })
    expect([over, hostSignals.length]).toEqual([false, 1])
    await items.return()
    await settled
    expect(hostSignals[0]?.aborted).toBe(true)
  })

  it('cancels a stream whose reader leaves', async () => {
    const { channel, hostSignals } = open()
    for await (const item of channel.stream('drip', null, never)) {
      expect(item).toBe(1)
      break
    }
    await vi.advanceTimersByTimeAsync(0)
    expect(hostSignals[0]?.aborted).toBe(true)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('ends a stream as busy when too much waits for its reader', async () => {
    const { channel } = open()
    const reading = channel.stream('count', 3000, { ...never, deadlineMs: 10_000 })
    expect((await reading.next()).value).toBe(0)
    await vi.advanceTimersByTimeAsync(5)
    await expect(collect(reading)).rejects.toMatchObject({ code: 'busy' })
  })

  it('judges each item of a stream by the deadline', async () => {
    const { channel, deadlines } = open()
    const reading = collect(channel.stream('drip', null, never))
    const expectation = expect(reading).rejects.toMatchObject({ code: 'timeout' })
    await vi.advanceTimersByTimeAsync(1001)
    await expectation
    expect(deadlines).toEqual(['drip'])
  })

  it('carries events both ways until the listener leaves', async () => {
    const { channel, serving, heard } = open()
    const news: string[] = []
    const off = channel.on('news', (text) => void news.push(text))
    channel.tell('hello', 'host')
    serving.tell('news', 'one')
    await vi.advanceTimersByTimeAsync(0)
    off()
    serving.tell('news', 'two')
    await vi.advanceTimersByTimeAsync(0)
    expect([heard, news]).toEqual([['host'], ['one']])
  })
})
