import { describe, expect, it } from 'vitest'
import { ByteQueue } from '../../engine/server/byte-queue.ts'
import { blockBytes, SpareBlocks } from '../../engine/server/spare-blocks.ts'

describe('bytes on their way', () => {
  it('come out as they went in, whatever the pieces', () => {
    const queue = new ByteQueue(new SpareBlocks())
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
    const queue = new ByteQueue(new SpareBlocks())
    const blocks = new Set<ArrayBuffer>()
    for (let i = 0; i < 100; i++) {
      queue.push(new Uint8Array(524_288))
      for (let bytes = queue.shift(); bytes; bytes = queue.shift()) blocks.add(bytes.buffer)
    }
    expect(blocks.size).toBeLessThanOrEqual(524_288 / blockBytes + 1)
  })

  it('stay as they are with the reader until it asks for the next', () => {
    const queue = new ByteQueue(new SpareBlocks())
    queue.push(new Uint8Array(10).fill(1))
    const first = queue.shift()
    queue.push(new Uint8Array(10).fill(2))
    expect([...(first ?? [])]).toEqual(Array(10).fill(1))
    expect([...(queue.shift() ?? [])]).toEqual(Array(10).fill(2))
  })

  it('leave their blocks to the next queue, but for the one that may still be read', () => {
    const blocks = new SpareBlocks()
    const first = new ByteQueue(blocks)
    first.push(new Uint8Array(3 * blockBytes).fill(1))
    const inHand = first.shift()
    first.clear()
    expect([first.length, first.shift()]).toEqual([0, undefined])
    const second = new ByteQueue(blocks)
    second.push(new Uint8Array(3 * blockBytes).fill(2))
    expect(inHand?.every((byte) => byte === 1)).toBe(true)
    const spare = new SpareBlocks()
    const taken = spare.take()
    spare.give(taken)
    expect(spare.take()).toBe(taken)
  })
})
