import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { projectRoot } from '../../engine/root.ts'

/** Debian's own Python: `python3-gi` belongs to it. */
const python = '/usr/bin/python3'
const check = 'import gi; gi.require_version("GstRtspServer", "1.0")'

/** Whether python3-gi and gir1.2-gst-rtsp-server-1.0 are installed. */
export const hasRtspServer = spawnSync(python, ['-c', check]).status === 0

export interface RtspServer {
  readonly port: number
  readonly url: string
  kill(): Promise<void>
}

/** A real RTSP server on loopback; port 0 takes any. */
export async function startRtspServer(port = 0): Promise<RtspServer> {
  const child: ChildProcess = spawn(python, [join(projectRoot, 'test/support/rtsp-server.py'), String(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(child.stdout!, 'data')) as [Buffer]
  const bound = Number(line)
  const exited = once(child, 'exit')
  return {
    port: bound,
    url: `rtsp://127.0.0.1:${bound}/live`,
    kill: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
}
