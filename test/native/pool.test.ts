import { spawn } from 'node:child_process'
import { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import { addon, addonFile, type NativePool } from '../../engine/native/addon.ts'

const file = addonFile('plain')
const opened: NativePool[] = []

function createPool(slots = 4, slotBytes = 5000): NativePool {
  const pool = addon().createPool(slots, slotBytes)
  opened.push(pool)
  return pool
}

/** Runs a script in a process that inherits the pool as descriptor 4; gives what it prints. */
async function runInHost(script: string, pool: NativePool): Promise<string> {
  const host = spawn(process.execPath, ['-e', `const addon = require(${JSON.stringify(file)});${script}`], {
    stdio: ['ignore', 'pipe', 'inherit', 'ignore', pool.fd],
  })
  let text = ''
  host.stdout?.on('data', (chunk) => {
    text += chunk
  })
  const status = await new Promise((resolve) => host.once('close', resolve))
  expect(status).toBe(0)
  return text.trim()
}

afterEach(() => {
  for (const pool of opened.splice(0)) pool.close()
})

describe('the image pool', () => {
  it('has slots of whole pages that keep what is written', () => {
    const pool = createPool(3, 5000)
    expect(pool.slots).toBe(3)
    expect(pool.slotBytes).toBeGreaterThanOrEqual(5000)
    expect(pool.slotBytes % 4096).toBe(0)
    pool.write(1, Buffer.from('abc'), 10)
    expect(pool.read(1, 9, 5)).toEqual(Buffer.from('\0abc\0'))
    expect(pool.read(0, 9, 5)).toEqual(Buffer.alloc(5))
    expect(pool.read(2, pool.slotBytes, 0)).toEqual(Buffer.alloc(0))
  })

  it('refuses slots and ranges that are not there', () => {
    const pool = createPool()
    expect(() => pool.read(4, 0, 1)).toThrow(expect.objectContaining({ code: 'invalid' }))
    expect(() => pool.read(-1, 0, 1)).toThrow(TypeError)
    expect(() => pool.read(0, pool.slotBytes, 1)).toThrow(expect.objectContaining({ code: 'too-large' }))
    expect(() => pool.read(0, 2 ** 53 - 1, 2 ** 53 - 1)).toThrow(expect.objectContaining({ code: 'too-large' }))
    expect(() => pool.write(0, Buffer.alloc(2), pool.slotBytes - 1)).toThrow(
      expect.objectContaining({ code: 'too-large' }),
    )
    expect(() => pool.write(0, 'text' as unknown as Uint8Array, 0)).toThrow(TypeError)
    expect(() => addon().createPool(0, 1)).toThrow(TypeError)
    expect(() => addon().createPool(2 ** 40, 2 ** 40)).toThrow(expect.objectContaining({ code: 'invalid' }))
  })

  it('may be closed twice, and says closed afterwards', () => {
    const pool = createPool()
    pool.close()
    pool.close()
    expect(pool.fd).toBe(-1)
    expect(() => pool.read(0, 0, 1)).toThrow(expect.objectContaining({ code: 'closed' }))
  })

  it('is no other object', () => {
    const fill = addon().fit as unknown as (...values: unknown[]) => unknown
    const options = { width: 1, height: 1, mode: 'stretch', layout: 'nhwc', pad: 0, mean: [0, 0, 0], scale: [1, 1, 1] }
    for (const imposter of [{}, 7, undefined, Object.create(createPool())])
      expect(() => fill(imposter, {}, new Float32Array(3), options)).toThrow(TypeError)
    const Pool = createPool().constructor as new (value: unknown) => unknown
    expect(() => new Pool(7)).toThrow(TypeError)
  })

  it('keeps its memory while work is under way after close', async () => {
    const pool = createPool(2, 3000 * 2000 * 3)
    const image = { slot: 0, width: 3000, height: 2000, format: 'rgb', bytes: 18_000_000 } as const
    const converted = addon().convert(pool, image, 1, 2000, 1500)
    pool.close()
    expect(await converted).toEqual({ width: 2000, height: 1500, format: 'rgb', bytes: 9_000_000 })
  })

  it('is inherited by a child process, which closes the descriptor at once', async () => {
    const pool = createPool()
    pool.write(2, Buffer.from('from the engine'), 0)
    const said = await runInHost(
      `const pool = addon.openPool(4, ${pool.slots}, ${pool.slotBytes})
       console.log(pool.fd, pool.read(2, 0, 15).toString(), require('node:fs').existsSync('/proc/self/fd/4'))
       pool.write(3, Buffer.from('from the host'), 0)`,
      pool,
    )
    expect(said).toBe('-1 from the engine false')
    expect(pool.read(3, 0, 13).toString()).toBe('from the host')
  })

  it('refuses a descriptor of another size', async () => {
    const pool = createPool()
    const said = await runInHost(
      `try { addon.openPool(4, ${pool.slots + 1}, ${pool.slotBytes}) } catch (error) { console.log(error.code) }`,
      pool,
    )
    expect(said).toBe('invalid')
  })

  it('is attached by a worker thread of the host, and not without openPool', async () => {
    const pool = createPool()
    expect(() => addon().attachPool()).toThrow(expect.objectContaining({ code: 'closed' }))
    const said = await runInHost(
      `const pool = addon.openPool(4, ${pool.slots}, ${pool.slotBytes})
       const { Worker } = require('node:worker_threads')
       const worker = new Worker(\`
         const pool = require(\${JSON.stringify(${JSON.stringify(file)})}).attachPool()
         pool.write(1, Buffer.from('worker'), 0)
         pool.close()
         require('node:worker_threads').parentPort.postMessage(pool.slots)\`, { eval: true })
       worker.on('message', (slots) => console.log(slots, pool.read(1, 0, 6).toString()))`,
      pool,
    )
    expect(said).toBe('4 worker')
  })

  it('is a pool of its own in each thread of the engine', async () => {
    const script = `
      const addon = require(require('node:worker_threads').workerData)
      try { addon.attachPool() } catch (error) { require('node:worker_threads').parentPort.postMessage(error.code) }`
    const worker = new Worker(script, { eval: true, workerData: file })
    expect(await new Promise((resolve) => worker.once('message', resolve))).toBe('closed')
    await worker.terminate()
  })
})
