import { spawn } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createLog } from '../engine/log.ts'
import { projectRoot } from '../engine/root.ts'
import type { Health } from '../engine/routes/health.ts'
import { Service, statusLine } from '../engine/service.ts'
import { until } from './support/wait.ts'

const health: Health = {
  status: 'ok',
  version: '0',
  uptime_s: 0,
  models_loaded: [],
  memory_used_mb: 0,
  device_memory_used_mb: null,
  clockSteps: 0,
  load: { level: 0, name: 'normal', cpu: null, temperature: null },
  problems: [],
  skippedModels: [],
  devices: {},
  models: [],
  defaults: {},
  jobs: { state: 'starting', counts: {}, bytes: null, limits: null },
  pipelines: [],
  hosts: [{ name: 'vision', pid: null, state: 'down', restarts: 0 }],
  tls: null,
}

describe('what systemd is told', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  const start = (environment: Record<string, string>, notify: (state: string) => boolean) =>
    new Service({ notify, environment, pid: 7, health: async () => health, log: createLog('error') })
  const keep = (sent: string[]) => (state: string) => sent.push(state) > 0

  it('pings at half of the watchdog time, and tells the status line only when it changes', async () => {
    const sent: string[] = []
    using _service = start({ WATCHDOG_USEC: '2000000', WATCHDOG_PID: '7' }, keep(sent))
    await vi.advanceTimersByTimeAsync(10_500)
    expect(sent.filter((state) => state === 'WATCHDOG=1')).toHaveLength(10)
    expect(sent.filter((state) => state !== 'WATCHDOG=1')).toEqual([
      'READY=1',
      'STATUS=ok: 0 of 0 streams live, 0 hosts up',
    ])
  })

  it('does not ping for a watchdog of another process, nor says anything where nobody supervises', async () => {
    const sent: string[] = []
    using _others = start({ WATCHDOG_USEC: '2000000', WATCHDOG_PID: '8' }, keep(sent))
    await vi.advanceTimersByTimeAsync(10_000)
    expect(sent).not.toContain('WATCHDOG=1')
    const asked = vi.fn(() => false)
    using _alone = start({}, asked)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(asked).toHaveBeenCalledTimes(1)
  })

  it('says once that it stops, and goes on pinging until the end', async () => {
    const sent: string[] = []
    using service = start({ WATCHDOG_USEC: '2000000' }, keep(sent))
    await vi.advanceTimersByTimeAsync(0)
    sent.length = 0
    service.stopping()
    await vi.advanceTimersByTimeAsync(2000)
    expect(sent).toEqual(['STOPPING=1\nSTATUS=stopping', 'WATCHDOG=1', 'WATCHDOG=1'])
  })

  it('goes on when the socket does not take a message', async () => {
    const sent: string[] = []
    let broken = true
    using _service = start({ WATCHDOG_USEC: '2000000' }, (state) => {
      if (broken) throw new Error('full')
      return keep(sent)(state)
    })
    await vi.advanceTimersByTimeAsync(1500)
    broken = false
    await vi.advanceTimersByTimeAsync(1000)
    expect(sent).toEqual(['WATCHDOG=1'])
  })

  it('names the streams that are in trouble, and what is short', () => {
    const stream = {
      fps: 0,
      lastFrameAgeMs: null,
      frozen: false,
      restarts: 0,
      in: 0,
      out: 0,
      dropped: 0,
      failed: 0,
      waiting: 0,
    }
    const streams = [
      { ...stream, name: 'camera', state: 'restarting' as const },
      { ...stream, name: 'door', state: 'live' as const },
    ]
    const line = statusLine({ ...health, status: 'degraded', pipelines: [{ name: 'p', state: 'running', streams }] })
    expect(line).toBe('degraded: 1 of 2 streams live, 0 hosts up, camera restarting')
    const problems = [{ name: 'disk', detail: 'full', since: 0 } as const]
    expect(statusLine({ ...health, status: 'degraded', problems })).toBe(
      'degraded: 0 of 0 streams live, 0 hosts up; problems: disk',
    )
  })
})

/** A datagram socket, which Node has none of: prints each message with its line breaks made visible. */
const receiver = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('bound', flush=True)
while True: print(s.recv(4096).decode().replace(chr(10), ';'), flush=True)
`

describe('the engine under a service manager', () => {
  it('says READY when it listens, STATUS, WATCHDOG while it runs, and STOPPING at SIGTERM', async () => {
    const socket = join(mkdtempSync(join(tmpdir(), 'hailstream-notify-')), 'socket')
    const manager = spawn('python3', ['-c', receiver, socket], { stdio: ['ignore', 'pipe', 'inherit'] })
    let told = ''
    manager.stdout.on('data', (chunk) => (told += chunk))
    await until('the socket', () => told.includes('bound'))
    const main = join(projectRoot, 'dist/engine/main.js')
    const engine = spawn(process.execPath, [main, 'start', '--port', '0', '--set', 'pipelines=[]'], {
      stdio: 'ignore',
      env: { ...process.env, NOTIFY_SOCKET: socket, WATCHDOG_USEC: '200000' },
    })
    try {
      await until('pings', () => (told.match(/WATCHDOG=1/g)?.length ?? 0) >= 3)
      engine.kill('SIGTERM')
      expect(await new Promise((resolve) => engine.on('exit', resolve))).toBe(0)
      await until('the end', () => told.includes('STOPPING=1;STATUS=stopping'))
      const [, first, ...others] = told.trim().split('\n')
      expect(first).toBe('READY=1')
      expect(others.filter((line) => line.startsWith('STATUS='))).toEqual([
        'STATUS=ok: 0 of 0 streams live, 0 hosts up',
      ])
    } finally {
      engine.kill('SIGKILL')
      manager.kill('SIGKILL')
    }
  })
})
