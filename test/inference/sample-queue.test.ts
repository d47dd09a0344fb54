import { expect, it } from 'vitest'
import { SampleQueue } from '../../engine/inference/sample-queue.ts'

it('gives whole steps of what came in pieces, and the last one filled up', async () => {
  const queue = new SampleQueue(4, 100)
  queue.push(Float32Array.of(1, 2, 3))
  const first = queue.take(8)
  queue.push(Float32Array.of(4, 5, 6, 7, 8, 9))
  expect((await first).map((step) => [...step])).toEqual([
    [1, 2, 3, 4],
    [5, 6, 7, 8],
  ])
  queue.end()
  expect((await queue.take(8)).map((step) => [...step])).toEqual([[9, 0, 0, 0]])
  expect(await queue.take(8)).toEqual([])
  expect(() => queue.push(Float32Array.of(1))).toThrow('Expected samples before the end')
})

it('refuses what would make too much wait, what is being worked on with it', async () => {
  const queue = new SampleQueue(4, 8)
  queue.push(new Float32Array(8))
  expect(() => queue.push(new Float32Array(1))).toThrow('at most 8 samples')
  expect(await queue.take(1)).toHaveLength(1)
  expect(() => queue.push(new Float32Array(1))).toThrow('at most 8 samples')
  expect(await queue.take(1)).toHaveLength(1)
  queue.push(new Float32Array(4))
})
