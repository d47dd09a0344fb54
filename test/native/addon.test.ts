import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { addon } from '../../engine/native/addon.ts'
import { projectRoot } from '../../engine/root.ts'

/** Names of the functions that `interface Addon` declares. */
function declaredNames(): string[] {
  const source = readFileSync(join(projectRoot, 'engine/native/addon.ts'), 'utf8')
  const body = source.split('export interface Addon {')[1]?.split('\n}\n')[0] ?? ''
  return [...body.matchAll(/^ {2}(\w+)\(/gm)].map((match) => match[1] ?? '')
}

describe('the addon', () => {
  it('exports what its interface declares, and nothing else', () => {
    const names = declaredNames()
    expect(names).toContain('createPool')
    expect(Object.keys(addon()).sort()).toEqual(names.sort())
    for (const name of names) expect(typeof addon()[name as keyof ReturnType<typeof addon>]).toBe('function')
  })

  it('lays planes out as GStreamer does', () => {
    expect(addon().imageLayout('i420', 5, 3)).toEqual({
      bytes: 8 * 4 + 4 * 2 + 4 * 2,
      planes: [
        { offset: 0, stride: 8, width: 5, height: 3 },
        { offset: 32, stride: 4, width: 3, height: 2 },
        { offset: 40, stride: 4, width: 3, height: 2 },
      ],
    })
    expect(addon().imageLayout('rgb', 5, 3)).toEqual({
      bytes: 48,
      planes: [{ offset: 0, stride: 16, width: 5, height: 3 }],
    })
    expect(addon().imageLayout('nv12', 1280, 720).bytes).toBe((1280 * 720 * 3) / 2)
  })

  it('frees the data of tensors at once, also of those that share it, and refuses what is no tensor', () => {
    const shared = new ArrayBuffer(16)
    const tensors = [
      { data: new Float32Array(6), shape: [6] },
      { data: new Float32Array(shared, 0, 2), shape: [2] },
      { data: new Float32Array(shared, 8, 2), shape: [2] },
    ]
    addon().discard(tensors)
    expect(tensors.map(({ data }) => data.byteLength)).toEqual([0, 0, 0])
    expect(shared.byteLength).toBe(0)
    expect(() => addon().discard(tensors)).not.toThrow()
    expect(() => addon().discard([{ data: [1], shape: [1] } as never])).toThrow(TypeError)
  })

  it('throws a TypeError that names the argument', () => {
    const layout = addon().imageLayout as unknown as (...values: unknown[]) => unknown
    expect(() => layout('bgr', 2, 2)).toThrow(new TypeError('Expected format to be rgb, nv12 or i420, received bgr'))
    expect(() => layout('rgb', 0, 2)).toThrow(new TypeError('Expected width to be 1 to 32768, received 0'))
    expect(() => layout('rgb', 2, 2.5)).toThrow(new TypeError('Expected height to be an integer, received 2.5'))
    expect(() => layout('rgb', 2)).toThrow(TypeError)
    expect(() => layout(7, 2, 2)).toThrow(TypeError)
  })

  it('loads in a worker that is ended while its work is under way', async () => {
    const script = `
      const { parentPort, workerData } = require('node:worker_threads')
      const addon = require(workerData)
      const pool = addon.createPool(2, 4000 * 4000 * 3)
      for (let i = 0; i < 8; i++)
        addon.convert(pool, { slot: 0, width: 4000, height: 4000, format: 'rgb', bytes: 48000000 }, 1, 3000, 3000)
      parentPort.postMessage('busy')`
    const worker = new Worker(script, {
      eval: true,
      workerData: join(projectRoot, 'addon/build/Release/hailstream.node'),
    })
    await new Promise((resolve) => worker.once('message', resolve))
    expect(await worker.terminate()).toBe(1)
  })
})
