import { writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { DownloadProgress } from '../../engine/inference/fetch-once.ts'
import { content, DownloadFolder, half, impatient, sha256 } from '../support/download-folder.ts'
import { breakOffAfter, FileServer, refuse } from '../support/file-server.ts'
import { until } from '../support/wait.ts'

const changed = Buffer.from(content).reverse()

let folder: DownloadFolder
beforeEach(async () => {
  folder = await DownloadFolder.create()
})
afterEach(async () => {
  await folder[Symbol.asyncDispose]()
})

describe('a download', () => {
  test('puts the whole file in its place, and leaves nothing beside', async () => {
    await using server = await FileServer.start(content)
    const progress: DownloadProgress[] = []
    const file = await folder.pull(server, { onProgress: (step) => progress.push(step) })
    expect(file).toMatchObject({ sha256, bytes: content.length })
    expect((await folder.placed())?.equals(content)).toBe(true)
    expect(progress.at(-1)).toEqual({ received: content.length, total: content.length })
    expect(await folder.leftBeside()).toEqual([])
  })

  test('that breaks off goes on where it was, within one call', async () => {
    await using server = await FileServer.start(content, breakOffAfter(content, half, folder))
    await folder.pull(server)
    expect((await folder.placed())?.equals(content)).toBe(true)
    expect(server.requests.map(({ range, ifRange }) => [range, ifRange])).toEqual([
      [undefined, undefined],
      [`bytes=${half}-`, '"one"'],
    ])
    expect(server.sent).toBe(content.length)
  })

  test('that broke off goes on in a later call, by the date where the server gives no name', async () => {
    const dated = { etag: 'W/"weak"', 'last-modified': 'Wed, 01 Oct 2025 07:28:00 GMT' }
    await using server = await FileServer.start(content, breakOffAfter(content, half, folder, dated))
    Object.assign(server.served, { etag: null, lastModified: dated['last-modified'] })
    await expect(folder.pull(server, impatient)).rejects.toMatchObject({ code: 'unavailable' })
    expect([await folder.placed(), await folder.partBytes()]).toEqual([undefined, half])
    await folder.pull(server, impatient)
    expect(server.requests[1]).toMatchObject({
      range: `bytes=${half}-`,
      ifRange: dated['last-modified'],
      sent: content.length - half,
    })
    expect((await folder.placed())?.equals(content)).toBe(true)
  })

  test('needs no request for a part that was whole when its process was killed', async () => {
    await using server = await FileServer.start(content, breakOffAfter(content, half, folder))
    await expect(folder.pull(server, impatient)).rejects.toThrow()
    await writeFile(folder.part, content)
    await folder.pull(server, { ...impatient, sha256 })
    expect(server.requests).toHaveLength(1)
    expect((await folder.placed())?.equals(content)).toBe(true)
  })

  test('begins anew where nobody can say whether the rest still belongs to the part', async () => {
    await using server = await FileServer.start(content, breakOffAfter(content, half, folder, { etag: 'W/"weak"' }))
    await expect(folder.pull(server, impatient)).rejects.toThrow()
    await folder.pull(server, impatient)
    expect(server.requests[1]).toMatchObject({ range: undefined, sent: content.length })
    expect((await folder.placed())?.equals(content)).toBe(true)
  })

  test('begins anew when the file has changed on the server', async () => {
    await using server = await FileServer.start(content, breakOffAfter(content, half, folder))
    await expect(folder.pull(server, impatient)).rejects.toThrow()
    Object.assign(server.served, { content: changed, etag: '"two"' })
    await folder.pull(server, impatient)
    expect((await folder.placed())?.equals(changed)).toBe(true)
  })

  test.each([
    ['of another total', () => `bytes ${half}-${content.length}/${content.length + 1}`, '"one"'],
    ['from another place', () => `bytes 0-${content.length - 1}/${content.length}`, '"one"'],
    ['that is none', () => 'bytes */*', '"one"'],
    ['of a file with another name', () => `bytes ${half}-${content.length - 1}/${content.length}`, '"two"'],
  ])('begins anew when the server ignores the condition and sends a range %s', async (_, range, etag) => {
    await using server = await FileServer.start(content, breakOffAfter(content, half, folder), (__, response) => {
      response.writeHead(206, { 'content-range': range(), etag }).end(content.subarray(half))
      return undefined
    })
    await folder.pull(server)
    expect(server.requests.map(({ range: asked }) => asked)).toEqual([undefined, `bytes=${half}-`, undefined])
    expect((await folder.placed())?.equals(content)).toBe(true)
  })

  test('fetches a file anew whose rest was of another content, told by its hash', async () => {
    await using server = await FileServer.start(content, breakOffAfter(changed, half, folder))
    await folder.pull(server, { sha256 })
    expect(server.requests.map(({ range }) => range)).toEqual([undefined, `bytes=${half}-`, undefined])
    expect((await folder.placed())?.equals(content)).toBe(true)
  })

  test('takes the whole from a server that knows no ranges', async () => {
    await using server = await FileServer.start(content, breakOffAfter(content, half, folder), (_, response) => {
      response.writeHead(200, { etag: '"one"', 'content-length': content.length }).end(content)
      return undefined
    })
    await folder.pull(server)
    expect((await folder.placed())?.equals(content)).toBe(true)
  })

  test('begins anew when the server says that the part is beyond the end', async () => {
    await using server = await FileServer.start(
      content,
      breakOffAfter(content, half, folder),
      refuse(416, { 'content-range': 'bytes */5' }),
    )
    await folder.pull(server)
    expect(server.requests).toHaveLength(3)
    expect((await folder.placed())?.equals(content)).toBe(true)
  })

  test('knows a part without an announced length as whole when nothing is beyond it', async () => {
    await using server = await FileServer.start(content, (_, response) => {
      response.writeHead(200, { etag: '"one"' }).write(content)
      void until('all', () => folder.received === content.length).then(() => response.destroy())
      return undefined
    })
    await folder.pull(server)
    expect(server.requests.map(({ range }) => range)).toEqual([undefined, `bytes=${content.length}-`])
    expect((await folder.placed())?.equals(content)).toBe(true)
  })

  test('waits as long as a busy server asks, and tries again', async () => {
    const soon = new Date(Date.now() + 500).toUTCString()
    await using server = await FileServer.start(
      content,
      refuse(429, { 'retry-after': '1' }),
      refuse(503, { 'retry-after': soon }),
    )
    const began = performance.now()
    await folder.pull(server)
    expect(performance.now() - began).toBeGreaterThanOrEqual(990)
    expect((await folder.placed())?.equals(content)).toBe(true)
  })
})
