import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { addon, addonFile } from '../../engine/native/addon.ts'
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

  it('frees the memory behind bytes at once, also for all that share it, and takes nothing but typed arrays', () => {
    const shared = new ArrayBuffer(16)
    const [first, second] = [new Float32Array(shared, 0, 2), new Uint8Array(shared, 8, 2)]
    addon().discard(first)
    expect([first.byteLength, second.byteLength, shared.byteLength]).toEqual([0, 0, 0])
    expect(() => addon().discard(second)).not.toThrow()
    expect(() => addon().discard([1] as never)).toThrow(TypeError)
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
      workerData: addonFile('plain'),
    })
    await new Promise((resolve) => worker.once('message', resolve))
    expect(await worker.terminate()).toBe(1)
  })
})
