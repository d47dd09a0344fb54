import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from './wait.ts'

/**
 * A real sound server (PulseAudio) without a card: what is played to its device `room` is heard by whoever records `room.monitor`, in real time. Hosts
 * that start from now on use it as the default, until it is closed.
 */
export async function startSoundServer(): Promise<AsyncDisposable> {
  const folder = mkdtempSync(join(tmpdir(), 'hailstream-pulse-'))
  const socket = join(folder, 'native')
  const modules = [
    `module-native-protocol-unix socket=${socket} auth-anonymous=1`,
    'module-null-sink sink_name=room rate=48000',
  ]
  const args = ['-n', '--daemonize=no', '--exit-idle-time=-1', '--use-pid-file=no', '--log-level=error']
  const env = { ...process.env, HOME: folder, XDG_RUNTIME_DIR: folder, PULSE_RUNTIME_PATH: folder }
  const server = spawn('pulseaudio', [...args, ...modules.flatMap((module) => ['-L', module])], {
    env,
    stdio: 'ignore',
  })
  const failed = new Promise<never>((_, reject) => server.once('error', reject))
  await Promise.race([until('the sound server', () => existsSync(socket)), failed])
  const before = process.env.PULSE_SERVER
  process.env.PULSE_SERVER = `unix:${socket}`
  return {
    [Symbol.asyncDispose]: async () => {
      if (before === undefined) delete process.env.PULSE_SERVER
      else process.env.PULSE_SERVER = before
      await ended(server)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function ended(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    server.once('exit', () => resolve())
    server.kill('SIGKILL')
  })
}
