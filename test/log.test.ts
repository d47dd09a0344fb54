import { execFileSync } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { LogOutput } from '../engine/log.ts'
import { findFreePort, startLimitedEngine } from './support/limited-engine.ts'
import { until } from './support/wait.ts'

let folder: string
let reader: number
let writer: number

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hailstream-log-'))
  const fifo = join(folder, 'fifo')
  execFileSync('mkfifo', [fifo])
  reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK)
  writer = openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK)
})
afterEach(() => {
  closeSync(writer)
  rmSync(folder, { recursive: true })
})

/** All that lies in the pipe. */
function readAll(): string {
  const bytes = Buffer.alloc(1 << 20)
  let length = 0
  for (;;) {
    try {
      length += readSync(reader, bytes, length, bytes.length - length, null)
    } catch {
      // EAGAIN: that was all.
      return bytes.toString('utf8', 0, length)
    }
  }
}

describe('the output of the log', () => {
  it('keeps lines for a slow reader, whole and in order, and loses the newest beyond 64 KiB', () => {
    const output = new LogOutput(writer)
    const line = (i: number) => `${String(i).padStart(999, '.')}\n`
    for (let i = 0; i < 200; i++) output.write(line(i))
    expect(output.trouble).toBeUndefined()
    const first = readAll()
    output.write(line(200))
    output.flush()
    const lines = (first + readAll()).split('\n').slice(0, -1)
    expect(lines.every((text) => text.length === 999)).toBe(true)
    const numbers = lines.map((text) => Number(text.replace(/^\.+/, '')))
    expect(numbers.slice(0, -1)).toEqual(numbers.slice(0, -1).map((_, i) => i))
    expect(numbers.length).toBeGreaterThanOrEqual(128)
    closeSync(reader)
  })

  it('says what is wrong with it, and how much was lost', () => {
    const full = openSync('/dev/full', 'w')
    const output = new LogOutput(full)
    for (let i = 0; i < 100; i++) output.write(`${'x'.repeat(999)}\n`)
    expect(output.trouble).toBe('ENOSPC: no space left on device, write; 35 lines are lost')
    closeSync(full)
    closeSync(reader)
  })
})

describe('an engine whose standard output nobody reads any more', () => {
  it('goes on, and names it in health', async () => {
    const broken = { name: 'p', streams: { clip: { source: 'file', path: '/none.avi' } }, publish: ['clip'] }
    const port = await findFreePort()
    await using engine = await startLimitedEngine({ settings: { pipelines: [broken] }, output: writer, port })
    expect((await engine.health()).problems).toEqual([])
    closeSync(reader)
    // A source that breaks off is logged.
    const socket = new WebSocket(`${engine.socketUrl}/ws/p/clip`)
    const [problem] = await until('the problem', async () => {
      const { problems } = await engine.health()
      return problems.length > 0 && problems
    })
    socket.close()
    expect(problem).toMatchObject({ name: 'log', detail: expect.stringContaining('EPIPE') })
  })
})
