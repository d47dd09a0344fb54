import { Observable, Subject } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { createPacket, type Packet } from '../../engine/core/packet.ts'
import type { EncodedMessage } from '../../engine/streams/encode.ts'
import { Hub, type Listener } from '../../engine/streams/hub.ts'
import { unpackBinary } from '../../engine/streams/wire.ts'
import { CountedImage, imagePacket, objectsPacket, StillClock, silentLog } from '../support/topic-packets.ts'

function makeHub() {
  const clock = new StillClock()
  const hub = new Hub({ clock, log: silentLog, readImage: () => Buffer.from('jpeg!') })
  return { clock, hub }
}

/** A stream that counts how often it is opened and closed. */
function makeStream() {
  const packets = new Subject<Packet>()
  const stream = {
    packets,
    opened: 0,
    open: 0,
    observable: new Observable<Packet>((subscriber) => {
      stream.opened++
      stream.open++
      const subscription = packets.subscribe(subscriber)
      return () => {
        stream.open--
        subscription.unsubscribe()
      }
    }),
  }
  return stream
}

function makeListener(): Listener & { readonly messages: EncodedMessage[]; endings: number } {
  const messages: EncodedMessage[] = []
  return {
    size: 1,
    messages,
    endings: 0,
    deliver: (message) => messages.push(message),
    ended() {
      this.endings++
    },
  }
}

const parse = (message: EncodedMessage | undefined) => JSON.parse(Buffer.from(message?.bytes ?? []).toString())

describe('Hub', () => {
  it('opens a stream once for ten listeners and closes it after the last', () => {
    const { hub } = makeHub()
    const stream = makeStream()
    hub.offer('demo/people', { kind: 'objects', packets: stream.observable })
    expect(stream.open).toBe(0)
    const leave = Array.from({ length: 10 }, () => hub.subscribe('demo/people', makeListener()))
    expect(stream.opened).toBe(1)
    expect(hub.topics()).toEqual([
      { topic: 'demo/people', kind: 'objects', pipeline: 'demo', stream: 'people', subscribers: 10, schema: null },
    ])
    for (const go of leave.slice(1)) go()
    expect(stream.open).toBe(1)
    leave[0]?.()
    leave[0]?.()
    expect(stream.open).toBe(0)
    expect(hub.topics()[0]?.subscribers).toBe(0)
  })

  it('numbers messages per topic, goes on after a pause, and encodes each once for all', () => {
    const { hub } = makeHub()
    const stream = makeStream()
    hub.offer('demo/people', { kind: 'objects', packets: stream.observable })
    const [first, second] = [makeListener(), makeListener()]
    const leave = [hub.subscribe('demo/people', first), hub.subscribe('demo/people', second)]
    stream.packets.next(objectsPacket(7))
    stream.packets.next(objectsPacket(9))
    expect(first.messages.map(({ n }) => n)).toEqual([0, 1])
    expect(second.messages[1]).toBe(first.messages[1])
    for (const go of leave) go()
    hub.subscribe('demo/people', first)
    stream.packets.next(objectsPacket(20))
    expect(first.messages.map(({ n }) => n)).toEqual([0, 1, 2])
  })

  it('writes a result message as the contract has it', () => {
    const { hub, clock } = makeHub()
    const stream = makeStream()
    hub.offer('demo/people', { kind: 'objects', packets: stream.observable })
    const listener = makeListener()
    hub.subscribe('demo/people', listener)
    clock.nowNs = 151_900_000n
    const keypoints = [{ name: 'nose', x: 120.456789, y: 80, confidence: 0.90049 }]
    stream.packets.next(
      objectsPacket(123, [{ label: 'person', confidence: 0.93456, bbox: [10.5049, 20, 80, 210], keypoints }]),
    )
    expect(parse(listener.messages[0])).toEqual({
      topic: 'demo/people',
      n: 0,
      epoch: hub.epoch,
      seq: 123,
      capturedAt: 1_764_011_045_123,
      publishedAt: 1_764_011_045_151.9,
      frame: { stream: 'camera', width: 768, height: 576 },
      model: 'yolov8n',
      backend: 'onnx',
      objects: [
        {
          label: 'person',
          confidence: 0.935,
          bbox: [10.5, 20, 80, 210],
          keypoints: [{ name: 'nose', x: 120.46, y: 80, confidence: 0.9 }],
        },
      ],
    })
  })

  it('says simulated only when the stand-in computed it, and keeps a track id', () => {
    const { hub } = makeHub()
    const stream = makeStream()
    hub.offer('demo/people', { kind: 'objects', packets: stream.observable })
    const listener = makeListener()
    hub.subscribe('demo/people', listener)
    const plain = objectsPacket(1, [{ id: 7, label: 'person', confidence: 1, bbox: [0, 0, 1, 1] }])
    stream.packets.next(createPacket({ ...plain, payload: { ...plain.payload, simulated: true } }))
    expect(parse(listener.messages[0])).toMatchObject({ simulated: true, objects: [{ id: 7 }] })
  })

  it('writes text and events under their own fields', () => {
    const { hub } = makeHub()
    const stream = makeStream()
    hub.offer('demo/words', { kind: 'text', packets: stream.observable })
    const listener = makeListener()
    hub.subscribe('demo/words', listener)
    const at = { stream: 'words', source: 'microphone', seq: 0, capturedAt: 0n }
    stream.packets.next(createPacket({ ...at, payload: { kind: 'text', text: 'hello', final: true, language: 'en' } }))
    stream.packets.next(createPacket({ ...at, payload: { kind: 'event', name: 'entered', zone: 'door' } }))
    expect(parse(listener.messages[0]).text).toEqual({ text: 'hello', final: true, language: 'en' })
    expect(parse(listener.messages[1]).event).toEqual({ name: 'entered', zone: 'door' })
  })

  it('sends an image as a binary message and gives its slot back', () => {
    const { hub } = makeHub()
    const stream = makeStream()
    hub.offer('demo/picture', { kind: 'image', packets: stream.observable })
    const listener = makeListener()
    hub.subscribe('demo/picture', listener)
    const image = new CountedImage()
    stream.packets.next(imagePacket(5, image))
    expect(image.holders).toBe(0)
    const [message] = listener.messages
    const { head, bytes } = unpackBinary(message?.bytes ?? new Uint8Array())
    expect(head).toMatchObject({ v: 1, topic: 'demo/picture', n: 0, seq: 5, type: 'image/jpeg', width: 4, height: 2 })
    expect(Buffer.from(bytes).toString()).toBe('jpeg!')
    expect(Buffer.from(message?.body ?? []).toString()).toBe('jpeg!')
  })

  it('counts an image that is not compressed as failed, gives its slot back and goes on', () => {
    const { hub } = makeHub()
    const stream = makeStream()
    hub.offer('demo/picture', { kind: 'image', packets: stream.observable })
    const listener = makeListener()
    hub.subscribe('demo/picture', listener)
    const raw = new CountedImage({ format: 'nv12' })
    stream.packets.next(imagePacket(5, raw))
    stream.packets.next(imagePacket(6, new CountedImage()))
    expect(raw.holders).toBe(0)
    expect(listener.messages.map(({ n }) => n)).toEqual([0])
  })

  it('tells listeners when a topic is taken back, and goes on counting when it is offered again', () => {
    const { hub } = makeHub()
    const stream = makeStream()
    const withdraw = hub.offer('demo/people', { kind: 'objects', packets: stream.observable })
    const listener = makeListener()
    hub.subscribe('demo/people', listener)
    stream.packets.next(objectsPacket(1))
    withdraw()
    expect(listener.endings).toBe(1)
    expect(stream.open).toBe(0)
    expect(() => hub.subscribe('demo/people', listener)).toThrow(expect.objectContaining({ code: 'not-found' }))
    hub.offer('demo/people', { kind: 'objects', packets: stream.observable })
    withdraw()
    hub.subscribe('demo/people', listener)
    stream.packets.next(objectsPacket(2))
    expect(listener.messages.map(({ n }) => n)).toEqual([0, 1])
  })

  it('gives the newest message to who comes later, where the offer says so', () => {
    const { hub } = makeHub()
    for (const [topic, marks] of [['demo/people', {}] as const, ['demo/state', { tellsLatest: true }] as const]) {
      const stream = makeStream()
      hub.offer(topic, { kind: 'objects', packets: stream.observable, ...marks })
      const [first, second] = [makeListener(), makeListener()]
      hub.subscribe(topic, first)
      stream.packets.next(objectsPacket(7))
      hub.subscribe(topic, second)
      expect(second.messages).toEqual(hub.tellsLatest(topic) ? first.messages : [])
    }
    expect(hub.traffic()).toEqual([
      { pipeline: 'demo', stream: 'people', subscribers: 2, published: 1, dropped: 0 },
      { pipeline: 'demo', stream: 'state', subscribers: 2, published: 1, dropped: 0 },
    ])
  })

  it('adds up what clients have missed, also those that have left', () => {
    const { hub } = makeHub()
    hub.offer('demo/people', { kind: 'objects', packets: makeStream().observable })
    const leave = hub.subscribe('demo/people', { size: 1, dropped: 3, deliver: () => undefined })
    hub.subscribe('demo/people', { size: 1, dropped: 4, deliver: () => undefined })
    expect(hub.dropped('demo/people')).toBe(7)
    leave()
    expect(hub.dropped('demo/people')).toBe(7)
  })

  it('refuses a second offer of a name', () => {
    const { hub } = makeHub()
    hub.offer('demo/people', { kind: 'objects', packets: makeStream().observable })
    const again = () => hub.offer('demo/people', { kind: 'objects', packets: makeStream().observable })
    expect(again).toThrow(expect.objectContaining({ code: 'conflict' }))
  })

  it('opens a stream anew for the next listener after it has failed', () => {
    const { hub } = makeHub()
    let opened = 0
    const failing = new Observable<Packet>((subscriber) => {
      opened++
      subscriber.error(new Error('no device'))
    })
    hub.offer('demo/people', { kind: 'objects', packets: failing })
    hub.subscribe('demo/people', makeListener())
    hub.subscribe('demo/people', makeListener())
    expect(opened).toBe(2)
  })
})
