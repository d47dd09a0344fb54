import { Subject } from 'rxjs'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createPacket, type Packet } from '../../engine/core/packet.ts'
import { Hub } from '../../engine/streams/hub.ts'
import { TopicReader } from '../../engine/streams/topic-reader.ts'
import { objectsPacket, StillClock, silentLog } from '../support/topic-packets.ts'

const { signal } = new AbortController()
let hub: Hub
let people: Subject<Packet>
let withdraw: () => void
let reader: TopicReader

beforeEach(() => {
  vi.useFakeTimers()
  hub = new Hub({ clock: new StillClock(), log: silentLog, readImage: () => Buffer.from('none') })
  people = new Subject()
  withdraw = hub.offer('demo/people', { kind: 'objects', packets: people })
  reader = new TopicReader(hub)
})
afterEach(() => {
  reader[Symbol.dispose]()
  expect([vi.getTimerCount(), people.observed]).toEqual([0, false])
  vi.useRealTimers()
})

describe('TopicReader', () => {
  it('opens a topic, waits for its first message, and has the newest at hand from then on', async () => {
    const first = reader.newest('demo/people', 1000, signal)
    expect(people.observed).toBe(true)
    people.next(objectsPacket(1, [{ label: 'dog', confidence: 0.5, bbox: [0, 0, 1, 1] }]))
    expect(await first).toMatchObject({ seq: 1, objects: [{ label: 'dog' }], frame: { stream: 'camera' } })
    people.next(objectsPacket(2))
    expect(await reader.newest('demo/people', 0, signal)).toMatchObject({ seq: 2 })
  })

  it('leaves a topic half a minute after the last question', async () => {
    const first = reader.newest('demo/people', 1000, signal)
    people.next(objectsPacket(1))
    await first
    vi.advanceTimersByTime(29_000)
    await reader.newest('demo/people', 0, signal)
    vi.advanceTimersByTime(29_000)
    expect(people.observed).toBe(true)
    vi.advanceTimersByTime(1001)
    expect(people.observed).toBe(false)
  })

  it('gives up when nothing comes in time, but stays for who asks next', async () => {
    const late = expect(reader.newest('demo/people', 300, signal)).rejects.toThrow('told nothing within 0.3 s')
    vi.advanceTimersByTime(300)
    await late
    people.next(objectsPacket(7))
    expect(await reader.newest('demo/people', 0, signal)).toMatchObject({ seq: 7 })
  })

  it('ends a question with its signal, with its topic, and with itself', async () => {
    const abort = new AbortController()
    const left = expect(reader.newest('demo/people', 1000, abort.signal)).rejects.toMatchObject({ code: 'cancelled' })
    abort.abort()
    await left
    const gone = expect(reader.newest('demo/people', 1000, signal)).rejects.toThrow('has ended')
    withdraw()
    await gone
    hub.offer('demo/people', { kind: 'objects', packets: people })
    const closed = expect(reader.newest('demo/people', 1000, signal)).rejects.toMatchObject({ code: 'closed' })
    reader[Symbol.dispose]()
    await closed
    await expect(reader.newest('demo/people', 1000, signal)).rejects.toMatchObject({ code: 'closed' })
  })

  it('refuses topics that there are not, and those of pictures, without opening them', async () => {
    const pictures = new Subject<Packet>()
    hub.offer('demo/camera', { kind: 'image', packets: pictures })
    await expect(reader.newest('demo/camera', 1, signal)).rejects.toMatchObject({ code: 'invalid' })
    expect(pictures.observed).toBe(false)
    await expect(reader.newest('demo/nobody', 1, signal)).rejects.toMatchObject({ code: 'not-found' })
  })

  it('reads texts and events as well', async () => {
    const events = new Subject<Packet>()
    hub.offer('demo/events', { kind: 'event', packets: events })
    const found = reader.newest('demo/events', 1000, signal)
    const payload = { kind: 'event', name: 'enter', zone: 'floor' } as const
    events.next(createPacket({ stream: 'events', source: 'camera', seq: 0, capturedAt: 0n, payload }))
    expect(await found).toMatchObject({ event: { name: 'enter', zone: 'floor' } })
  })
})
