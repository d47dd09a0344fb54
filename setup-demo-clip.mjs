/** The demo's picture where there is no camera. Node's own modules only. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** One file out of Debian's opencv-doc, into the state folder; nothing when it is there, or with `orCamera` a camera. */
export async function extractDemoClip({ root, state, orCamera, say, must }) {
  const clip = join(state, 'media/vtest.avi')
  if (existsSync(clip)) return
  const { findCamera } = await import(pathToFileURL(join(root, 'dist/engine/sources/camera.js')).href)
  if (orCamera && findCamera() !== undefined) return
  const folder = join(state, 'media/unpacking')
  mkdirSync(folder, { recursive: true })
  say('no camera: fetching the pedestrians clip out of Debian’s opencv-doc (96 MB, once)')
  const fetched = spawnSync(
    'apt-get',
    [...(process.getuid() === 0 ? ['-o', 'APT::Sandbox::User=root'] : []), 'download', 'opencv-doc'],
    {
      cwd: folder,
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  )
  const archive = readdirSync(folder).find((file) => file.endsWith('.deb'))
  if (fetched.status !== 0 || archive === undefined) {
    console.warn('set-up: the clip could not be fetched; the demo waits for a camera')
    return
  }
  const file = './usr/share/doc/opencv-doc/examples/data/vtest.avi'
  must(
    ['sh', '-c', `dpkg-deb --fsys-tarfile '${join(folder, archive)}' | tar -xO '${file}' > '${clip}.part'`],
    'the clip could not be unpacked',
  )
  renameSync(`${clip}.part`, clip)
  rmSync(folder, { recursive: true })
}
