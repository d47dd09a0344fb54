import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { projectRoot } from '../../engine/root.ts'

/** Debian's own Python: `python3-gi` belongs to it. */
const python = '/usr/bin/python3'
const check = 'import gi; gi.require_version("GstRtspServer", "1.0")'

/** Whether python3-gi and gir1.2-gst-rtsp-server-1.0 are installed. */
export const hasRtspServer = spawnSync(python, ['-c', check]).status === 0

/** A server in a process of its own, and what a test may do to it. */
export interface RtspServer extends AsyncDisposable {
  readonly port: number
  readonly url: string
  /** Changes the picture for those who watch and for those who come: `rate 2`, `size 640x480`, `pattern white`. */
  tell(command: string): void
  /** SIGSTOP: its connections stay, and the kernel accepts new ones. */
  freeze(): void
  /** SIGCONT. */
  thaw(): void
  /** SIGKILL; resolves when it was reaped. */
  kill(): Promise<void>
}

/** A real RTSP server on loopback; port 0 takes any. The commands are those of `tell`, before the first client. */
export async function startRtspServer(port = 0, commands: readonly string[] = []): Promise<RtspServer> {
  const child: ChildProcess = spawn(python, [join(projectRoot, 'test/support/rtsp-server.py'), String(port)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const [line] = (await once(child.stdout!, 'data')) as [Buffer]
  const bound = Number(line)
  const tell = (command: string) => void (child.stdin as Writable).write(`${command}\n`)
  const kill = async () => {
    child.kill('SIGKILL')
    await exited
  }
  for (const command of commands) tell(command)
  return {
    port: bound,
    url: `rtsp://127.0.0.1:${bound}/live`,
    tell,
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    kill,
    [Symbol.asyncDispose]: kill,
  }
}
