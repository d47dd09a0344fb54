import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createSystem } from '../../engine/doctor/real-system.ts'

const system = createSystem()

describe('the machine as the doctor sees it', () => {
  it('gives nothing for what is absent, and throws for nothing', async () => {
    const path = '/no/such/place'
    for (const look of [system.read, system.list, system.stat, system.readLink])
      expect(await look(path)).toBeUndefined()
    expect(await system.canWrite(path)).toBe(false)
    expect(await system.run(['no-such-program'])).toEqual({ end: 'missing' })
  })

  it('reads files, folders, owners and rights', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hailstream-doctor-'))
    writeFileSync(join(folder, 'one'), 'text', { mode: 0o640 })
    expect(await system.read(join(folder, 'one'))).toBe('text')
    expect(await system.list(folder)).toEqual(['one'])
    expect(await system.stat(join(folder, 'one'))).toMatchObject({
      kind: 'file',
      mode: 0o640,
      size: 4,
      uid: process.getuid?.(),
    })
    expect(await system.stat(folder)).toMatchObject({ kind: 'folder', mode: 0o700 })
    expect(await system.stat('/dev/null')).toMatchObject({ kind: 'device' })
  })

  it('tells how a program ended, and does not wait for one that hangs', async () => {
    const sh = (script: string, options = {}) => system.run(['sh', '-c', script], options)
    expect(await sh('echo out; echo err >&2; exit 3')).toEqual({
      end: 'exit',
      status: 3,
      signal: null,
      stdout: 'out\n',
      stderr: 'err\n',
    })
    expect(await sh('kill -SEGV $$')).toMatchObject({ end: 'exit', status: null, signal: 'SIGSEGV' })
    expect(await sh('pwd; echo $LC_ALL $HAILORT_LOGGER_PATH')).toMatchObject({ stdout: '/\nC NONE\n' })
    // Its child keeps the pipe open: that is not waited for either.
    expect(await sh('sleep 600 & sleep 600', { deadlineMs: 100 })).toEqual({ end: 'late' })
  })

  it('tells why a port cannot be bound, and asks who answers there', async () => {
    const server = createServer((request, response) => {
      response.writeHead(request.url === '/api/health' ? 503 : 404).end('told')
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as AddressInfo
    expect(await system.tryListen('127.0.0.1', port)).toBe('EADDRINUSE')
    expect(await system.tryListen('127.0.0.1', 0)).toBeUndefined()
    expect(await system.tryListen('192.0.2.1', 0)).toBe('EADDRNOTAVAIL')
    expect(await system.ask(`http://127.0.0.1:${port}/api/health`)).toBe('told')
    expect(await system.ask(`http://127.0.0.1:${port}/other`)).toBeUndefined()
    server.close()
    server.closeAllConnections()
    await new Promise((resolve) => server.once('close', resolve))
    expect(await system.ask(`http://127.0.0.1:${port}/api/health`)).toBeUndefined()
  })
})
