import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { addon, addonFile } from '../../engine/native/addon.ts'
import { until } from '../support/wait.ts'

const load = `const addon = require(${JSON.stringify(addonFile('plain'))});`

async function outputOf(script: string): Promise<string> {
  const child = spawn(process.execPath, ['-e', load + script], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.on('data', (chunk) => {
    text += chunk
  })
  await new Promise((resolve) => child.once('close', resolve))
  return text.trim()
}

describe('system calls', () => {
  it('end a host whose parent is killed', async () => {
    const host = `${load} addon.dieWithParent(process.ppid); console.log(process.pid); setInterval(() => 0, 1000)`
    const parent = spawn(
      process.execPath,
      [
        '-e',
        `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(host)}], { stdio: ['ignore', 'inherit', 'inherit'] })`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    const pid = await new Promise<string>((resolve) =>
      parent.stdout.once('data', (chunk) => resolve(`${chunk}`.trim())),
    )
    expect(existsSync(`/proc/${pid}`)).toBe(true)
    parent.kill('SIGKILL')
    await until('the end of the host', () => !existsSync(`/proc/${pid}/exe`))
  })

  it('say closed when the parent is another one', async () => {
    expect(await outputOf('try { addon.dieWithParent(2 ** 31 - 1) } catch (error) { console.log(error.code) }')).toBe(
      'closed',
    )
    expect(() => addon().dieWithParent(0)).toThrow(TypeError)
  })

  it('lock an open file once, for all that open it, until it is closed', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'hailstream-lock-')), 'lock')
    const [one, other] = [openSync(path, 'a'), openSync(path, 'a')]
    expect([addon().lockFile(one), addon().lockFile(one), addon().lockFile(other)]).toEqual([true, true, false])
    closeSync(one)
    expect(addon().lockFile(other)).toBe(true)
    closeSync(other)
    expect(() => addon().lockFile(other)).toThrow(expect.objectContaining({ code: 'unavailable' }))
    expect(() => addon().lockFile(-1)).toThrow(TypeError)
    rmSync(dirname(path), { recursive: true })
  })

  it('find the socket that listens on a port, to limit what is kept of what comes in', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    expect(addon().limitReceiveBuffers(port, 65_536)).toBe(true)
    server.close()
    await once(server, 'close')
    expect(addon().limitReceiveBuffers(port, 65_536)).toBe(false)
    expect(() => addon().limitReceiveBuffers(0, 65_536)).toThrow(TypeError)
    expect(() => addon().limitReceiveBuffers(port, 1)).toThrow(TypeError)
  })

  it('tell systemd nothing when it does not listen', async () => {
    expect(await outputOf(`delete process.env.NOTIFY_SOCKET; console.log(addon.notify('READY=1'))`)).toBe('false')
  })

  it('say what is wrong with the notify socket', async () => {
    const script = `process.env.NOTIFY_SOCKET = 'relative'; try { addon.notify('READY=1') } catch (e) { console.log(e.code) }`
    expect(await outputOf(script)).toBe('invalid')
    expect(() => addon().notify(7 as unknown as string)).toThrow(TypeError)
  })

  // AddressSanitizer brings an allocator of its own, which keeps what was freed.
  it.skipIf(process.env.ASAN_OPTIONS)('give memory back that was freed, and only then', async () => {
    const script = `
      const { readFileSync } = require('node:fs')
      const own = () => Number(/^Anonymous: +(\\d+) kB/m.exec(readFileSync('/proc/self/smaps_rollup', 'utf8'))[1])
      addon.mapBlocksFrom(32 << 20)
      const blocks = Array.from({ length: 400 }, () => new Uint8Array(200_000).fill(1))
      const before = own()
      for (const block of blocks) addon.discard(block)
      addon.mapBlocksFrom(256 << 10)
      const trimmed = addon.trimMemory()
      console.log(trimmed, before - own() > 60_000)`
    expect(await outputOf(script)).toBe('true true')
  })

  it('take a size of blocks that the allocator can do', () => {
    for (const bytes of [0, 2 ** 25 + 1, 1.5, '1'])
      expect(() => addon().mapBlocksFrom(bytes as number)).toThrow(TypeError)
  })
})
