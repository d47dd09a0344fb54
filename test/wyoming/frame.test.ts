import { describe, expect, it } from 'vitest'
import { encodeEvent, FrameReader, frameLimits, type WyomingEvent } from '../../engine/wyoming/frame.ts'
import { seededPick } from '../support/random.ts'
import { frameOf } from '../support/wyoming-client.ts'

function readAll(reader: FrameReader): WyomingEvent[] {
  const events: WyomingEvent[] = []
  for (let event = reader.next(); event; event = reader.next()) events.push(event)
  return events
}

function read(bytes: Buffer): WyomingEvent[] {
  const reader = new FrameReader()
  reader.add(bytes)
  return readAll(reader)
}

const sound = Buffer.from([1, 0, 10, 0, 255, 127])
const format = { rate: 16_000, width: 2, channels: 1 }

describe('FrameReader', () => {
  it('reads a head with data apart and a payload, whose bytes may be ends of line', () => {
    expect(read(frameOf('audio-chunk', format, sound))).toEqual([{ type: 'audio-chunk', data: format, payload: sound }])
  })

  it('reads data within the head, and lets data apart go before it', () => {
    expect(read(frameOf('ping', { text: 'a' }, undefined, 'within'))).toMatchObject([{ data: { text: 'a' } }])
    const body = Buffer.from('{"b":3}')
    const line = Buffer.from(`{"type":"x","data":{"a":1,"b":2},"data_length":${body.length}}\n`)
    expect(read(Buffer.concat([line, body]))).toMatchObject([{ data: { a: 1, b: 3 } }])
  })

  it('gives the same events however the bytes are cut', () => {
    const pick = seededPick(7)
    const frames = [frameOf('describe'), frameOf('audio-chunk', format, sound), frameOf('ping', { text: 'ä\n😀' })]
    const bytes = Buffer.concat([...frames, ...frames])
    const whole = read(bytes)
    expect(whole.map(({ type }) => type)).toHaveLength(6)
    for (let round = 0; round < 50; round++) {
      const reader = new FrameReader()
      const events: WyomingEvent[] = []
      for (let at = 0; at < bytes.length; ) {
        const step = 1 + pick(9)
        reader.add(bytes.subarray(at, at + step))
        events.push(...readAll(reader))
        at += step
      }
      expect(events).toEqual(whole)
      expect(reader.isWithinFrame).toBe(false)
    }
  })

  it('knows whether a frame has begun and not ended', () => {
    const bytes = frameOf('audio-chunk', format, sound)
    for (const end of [1, bytes.indexOf('\n') + 1, bytes.length - 1]) {
      const partly = new FrameReader()
      partly.add(bytes.subarray(0, end))
      expect(partly.next()).toBeUndefined()
      expect(partly.isWithinFrame).toBe(true)
    }
  })

  it('refuses what is no frame', () => {
    const broken = ['GET / HTTP/1.1\r\n', '[]\n', '{}\n', '{"type":5}\n', '{"type":"x","data":[]}\n', '\n']
    for (const text of broken) expect(() => read(Buffer.from(text)), text).toThrow(/^Expected the head of a frame/)
    const lengths = ['-1', '1.5', '"3"']
    for (const length of lengths)
      expect(() => read(Buffer.from(`{"type":"x","payload_length":${length}}\n`))).toThrow('payload_length')
    expect(() => read(Buffer.from('{"type":"x","data_length":2}\n[]'))).toThrow('Expected the data of a frame')
    expect(() => read(Buffer.from('{"type":"x","data_length":2}\n{]'))).toThrow('Expected the data of a frame as JSON')
  })

  it('refuses what is too large before it has come', () => {
    const { head, data, payload } = frameLimits
    expect(() => read(Buffer.alloc(head + 1, 'a'))).toThrow(`within ${head} bytes`)
    expect(() => read(Buffer.from(`{"type":"x","data_length":${data + 1}}\n`))).toThrow('data_length')
    expect(() => read(Buffer.from(`{"type":"x","payload_length":${payload + 1}}\n`))).toThrow('payload_length')
  })

  it('gives what was whole before it fails', () => {
    const reader = new FrameReader()
    reader.add(Buffer.concat([frameOf('describe'), Buffer.from('nonsense\n')]))
    expect(reader.next()).toMatchObject({ type: 'describe' })
    expect(() => reader.next()).toThrow('Expected the head')
  })
})

describe('encodeEvent', () => {
  it('is read back as it was', () => {
    expect(read(encodeEvent('transcript', { text: 'Größe' }))).toEqual([
      { type: 'transcript', data: { text: 'Größe' }, payload: Buffer.alloc(0) },
    ])
    expect(read(encodeEvent('audio-chunk', format, sound))).toMatchObject([{ payload: sound }])
  })

  it('tells lengths in bytes, and only of what is there', () => {
    const [line = ''] = encodeEvent('pong', { text: 'ä' }).toString().split('\n')
    expect(JSON.parse(line)).toEqual({ type: 'pong', version: expect.any(String), data_length: 13 })
    expect(JSON.parse(encodeEvent('audio-stop').toString())).toEqual({
      type: 'audio-stop',
      version: expect.any(String),
    })
  })
})
