import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { download } from '../../engine/inference/model-download.ts'
import { FileServer } from '../support/file-server.ts'

const MB = 2 ** 20
const never = new AbortController().signal
const content = Buffer.alloc(24 * MB, 5)

/** A disk of its own; only root may make one. */
function smallDisk(bytes: number) {
  const folder = mkdtempSync(join(tmpdir(), 'hailstream-disk-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder])
  const place = { path: join(folder, 'model.onnx'), part: join(folder, 'parts/model.onnx') }
  const unmount = () => {
    execFileSync('umount', ['--lazy', folder])
    rmdirSync(folder)
  }
  return { ...place, parts: join(folder, 'parts'), folder, [Symbol.dispose]: unmount }
}

describe.skipIf(process.getuid?.() !== 0)('a disk without room (made by mount, which needs root)', () => {
  it('is seen before a byte of the body is taken, with a margin for the rest of the machine', async () => {
    using disk = smallDisk(32 * MB)
    await using server = await FileServer.start(content)
    const failed = download({ url: server.url, path: disk.path, part: disk.part }, never)
    await expect(failed).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/bytes are free\. Make room/),
    })
    expect([existsSync(disk.path), readdirSync(disk.parts)]).toEqual([false, []])
  })

  it('is given its room back by a file whose length nobody announced', async () => {
    using disk = smallDisk(16 * MB)
    await using server = await FileServer.start(content, (_, response) => {
      response.write(content)
      response.end()
      return undefined
    })
    const failed = download({ url: server.url, path: disk.path, part: disk.part }, never)
    await expect(failed).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/ENOSPC.*Make room/),
    })
    expect([existsSync(disk.path), readdirSync(disk.parts)]).toEqual([false, []])
    writeFileSync(disk.path, content.subarray(0, 15 * MB))
  })
})
