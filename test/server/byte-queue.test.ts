import { describe, expect, it } from 'vitest'
import { ByteQueue } from '../../engine/server/byte-queue.ts'

describe('bytes on their way', () => {
  it('come out as they went in, whatever the pieces', () => {
    const queue = new ByteQueue()
    const sent: number[] = []
    const read: number[] = []
    for (const size of [1, 300_000, 0, 70_000, 524_288, 3]) {
      const bytes = new Uint8Array(size).map((_, i) => (sent.length + i) % 251)
      queue.push(bytes)
      for (const byte of bytes) sent.push(byte)
      bytes.fill(255)
      if (size === 70_000) for (const byte of queue.shift() ?? []) read.push(byte)
    }
    expect(queue.length).toBe(sent.length - read.length)
    for (let bytes = queue.shift(); bytes; bytes = queue.shift()) for (const byte of bytes) read.push(byte)
    expect(Buffer.from(read).equals(Buffer.from(sent))).toBe(true)
    expect(queue.length).toBe(0)
    expect(queue.shift()).toBeUndefined()
  })

  it('lie in a few blocks, however many pass', () => {
    const queue = new ByteQueue()
    const blocks = new Set<ArrayBuffer>()
    for (let i = 0; i < 100; i++) {
      queue.push(new Uint8Array(524_288))
      for (let bytes = queue.shift(); bytes; bytes = queue.shift()) blocks.add(bytes.buffer)
    }
    expect(blocks.size).toBeLessThanOrEqual(3)
  })

  it('stay as they are with the reader until it asks for the next', () => {
    const queue = new ByteQueue()
    queue.push(new Uint8Array(10).fill(1))
    const first = queue.shift()
    queue.push(new Uint8Array(10).fill(2))
    expect([...(first ?? [])]).toEqual(Array(10).fill(1))
    expect([...(queue.shift() ?? [])]).toEqual(Array(10).fill(2))
  })
})
