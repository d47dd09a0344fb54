import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { tryLock, waitForLock } from '../../engine/inference/file-lock.ts'
import { projectRoot } from '../../engine/root.ts'
import { until } from '../support/wait.ts'

const addon = join(projectRoot, 'addon/build/Release/hailstream.node')
const never = new AbortController().signal

let folder: string
let path: string
let holder: ChildProcess | undefined
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hailstream-lock-'))
  path = join(folder, 'parts/toy.lock')
})
afterEach(async () => {
  holder?.kill('SIGKILL')
  holder = undefined
  await rm(folder, { recursive: true })
})

/** Another process that has the lock until it is killed. */
async function startHolder(): Promise<ChildProcess> {
  const script = `
    const fd = require('node:fs').openSync(${JSON.stringify(path)}, 'a')
    console.log(require(${JSON.stringify(addon)}).lockFile(fd))
    setInterval(() => 0, 1000)`
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  holder = child
  const [said] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer]
  expect(`${said}`.trim()).toBe('true')
  return child
}

describe('the lock of a file', () => {
  test('is given to one at a time in one process, and to the next when it is let go', async () => {
    const first = await tryLock(path)
    expect(first).toBeDefined()
    expect(await tryLock(path)).toBeUndefined()
    await first?.[Symbol.asyncDispose]()
    const second = await tryLock(path)
    expect(second).toBeDefined()
    await second?.[Symbol.asyncDispose]()
  })

  test('keeps other processes out, and is free as soon as its holder is killed', async () => {
    await (await tryLock(path))?.[Symbol.asyncDispose]()
    const child = await startHolder()
    expect(await tryLock(path)).toBeUndefined()
    let waited = 0
    const waiting = waitForLock(path, never, async () => void waited++)
    await until('somebody to wait', () => waited > 0)
    child.kill('SIGKILL')
    await (await waiting)[Symbol.asyncDispose]()
  })

  test('is not waited for any longer once that is called off', async () => {
    await using _lock = await tryLock(path)
    const interrupt = new AbortController()
    const waiting = waitForLock(path, interrupt.signal, async () => interrupt.abort())
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' })
  })

  test('cannot be had where no file can be', async () => {
    await writeFile(join(folder, 'parts'), 'not a folder')
    await expect(tryLock(path)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('toy.lock'),
    })
  })
})
