import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import { projectRoot } from '../engine/root.ts'
import type { Health } from '../engine/routes/health.ts'
import { until } from './support/wait.ts'

/** What systemd's TimeoutStopSec leaves room for. */
const stopMs = 10_000

const busy = {
  name: 'busy',
  streams: {
    pattern: { source: 'test', size: '640x480', rate: 30 },
    other: { source: 'test', size: '640x480', rate: 30 },
    objects: { from: 'pattern', node: 'detect' },
  },
  publish: ['pattern', 'other', 'objects'],
}

/** A built engine at full load, with the processes of its hosts. */
async function startBusy() {
  const args = ['start', '--port', '0', '--log-level', 'info', '--set', `pipelines=${JSON.stringify([busy])}`]
  const engine = spawn(process.execPath, [join(projectRoot, 'dist/engine/main.js'), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  engine.stdout.on('data', (chunk) => (text += chunk))
  const ended = new Promise<number | null>((resolve) => engine.on('exit', resolve))
  const url = await until('the address', () => /http:\/\/[^"]+/.exec(text)?.[0])
  const sockets = busy.publish.map((stream) => new WebSocket(`${url.replace('http', 'ws')}/ws/busy/${stream}`))
  await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('message', resolve))))
  const { hosts } = (await (await fetch(`${url}/api/health`)).json()) as Health
  return { engine, ended, hosts: hosts.flatMap(({ name, pid }) => (pid === null ? [] : [{ name, pid }])) }
}

describe('SIGTERM under load', () => {
  it.each([
    { state: 'all hosts at work', stopped: 'none' },
    { state: 'a capture host stopped', stopped: 'capture' },
    { state: 'the vision host stopped', stopped: 'vision' },
    { state: 'every host stopped', stopped: '' },
  ])('ends the engine within 10 s and every host with it, with $state', async ({ stopped }) => {
    const { engine, ended, hosts } = await startBusy()
    try {
      expect(hosts.map(({ name }) => name).sort()).toEqual(['capture:busy/other', 'capture:busy/pattern', 'vision'])
      for (const { name, pid } of hosts) if (name.startsWith(stopped)) process.kill(pid, 'SIGSTOP')
      const at = performance.now()
      engine.kill('SIGTERM')
      expect(await ended).toBe(0)
      expect(performance.now() - at).toBeLessThan(stopMs)
      for (const { pid } of hosts) expect(() => process.kill(pid, 0)).toThrow('ESRCH')
    } finally {
      engine.kill('SIGKILL')
    }
  })
})
