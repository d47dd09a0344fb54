import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { DownloadProgress } from '../../engine/inference/fetch-once.ts'
import { content, DownloadFolder, half, impatient } from '../support/download-folder.ts'
import { breakOffAfter, FileServer, refuse } from '../support/file-server.ts'
import { until } from '../support/wait.ts'

let folder: DownloadFolder
beforeEach(async () => {
  folder = await DownloadFolder.create()
})
afterEach(async () => {
  vi.useRealTimers()
  await folder[Symbol.asyncDispose]()
})

describe('a download that fails says why, puts nothing in place,', () => {
  test.each([
    ['a file that is not there', 404, {}, 'not-found', /answer 200, received 404/],
    ['one that is gone', 410, {}, 'not-found', /received 410/],
    ['one that needs a login', 401, {}, 'unavailable', /received 401: it may need a login.*models import/],
    ['one that needs a licence accepted', 403, {}, 'unavailable', /received 403.*licence/],
    ['a range that was not asked for', 416, {}, 'unavailable', /received 416/],
    [
      'a server that wants to be left alone for an hour',
      429,
      { 'retry-after': '3600' },
      'unavailable',
      /429: it asks to come back in 3600 s/,
    ],
    ['a method that is not allowed', 405, {}, 'unavailable', /received 405/],
  ])('and does not ask twice for %s', async (_, status, headers, code, message) => {
    await using server = await FileServer.start(content, refuse(status, headers))
    await expect(folder.pull(server)).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
    expect(server.requests).toHaveLength(1)
    expect([await folder.placed(), await folder.leftBeside()]).toEqual([undefined, []])
  })

  test('a web page in place of a file', async () => {
    await using server = await FileServer.start(content, (_, response) => {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<title>Log in</title>')
      return undefined
    })
    await expect(folder.pull(server)).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('a web page'),
    })
    expect(await folder.placed()).toBeUndefined()
  })

  test('a range in answer to a request for the whole', async () => {
    await using server = await FileServer.start(content, (_, response) => {
      response.writeHead(206, { 'content-range': `bytes 5-9/${content.length}` }).end('12345')
      return undefined
    })
    await expect(folder.pull(server)).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringMatching(/Expected the whole/),
    })
  })

  test.each([
    [
      'announces another size',
      { bytes: content.length + 3 },
      'invalid',
      /Expected 300003 bytes.*announcement of 300000/,
    ],
    ['has another hash', { sha256: 'f'.repeat(64) }, 'invalid', /SHA-256 f+, received [0-9a-f]{64}/],
  ])('and keeps nothing of a file that %s', async (_, expected, code, message) => {
    await using server = await FileServer.start(content)
    await expect(folder.pull(server, expected)).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
    expect([server.requests.length, await folder.placed(), await folder.partBytes()]).toEqual([1, undefined, 0])
  })

  test.each([
    ['more than it should', { bytes: 5 }, 'too-large', /at most 5 bytes/],
    ['less than it should', { bytes: content.length + 1 }, 'invalid', /Expected 300001 bytes.*received 300000/],
  ])('and keeps nothing of a file that is %s, unannounced', async (_, expected, code, message) => {
    await using server = await FileServer.start(
      content,
      (__, response) => void response.end(content.subarray()) as undefined,
    )
    server.next((__, response) => {
      response.write(content)
      response.end()
      return undefined
    })
    await expect(folder.pull(server, { ...expected, ...impatient })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    })
    expect([await folder.placed(), await folder.partBytes()]).toEqual([undefined, 0])
  })

  test('a server that announces more than it sends, each time: it is asked a bounded number of times', {
    timeout: 60_000,
  }, async () => {
    await using server = await FileServer.start(content)
    const lie = () => breakOffAfter(Buffer.alloc(content.length + 50), content.length, folder)
    server.next(...Array.from({ length: 20 }, lie))
    await expect(folder.pull(server)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/Could not fetch/),
    })
    expect(server.requests.length).toBeLessThanOrEqual(6)
    expect(await folder.placed()).toBeUndefined()
  })

  test('nobody answers at the address', async () => {
    const server = await FileServer.start(content)
    const { url } = server
    await server[Symbol.asyncDispose]()
    const failed = folder.pull({ url }, impatient)
    await expect(failed).rejects.toMatchObject({ code: 'unavailable', message: expect.stringMatching(/ECONNREFUSED/) })
  })

  test('a server that falls silent, and keeps what came', async () => {
    await using server = await FileServer.start(content, (_, response) => {
      response.writeHead(200, { etag: '"one"', 'content-length': content.length }).write(content.subarray(0, half))
      return undefined
    })
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    let received = 0
    const onProgress = (step: DownloadProgress) => {
      received = step.received
    }
    const failed = expect(folder.pull(server, { ...impatient, onProgress })).rejects.toMatchObject({ code: 'timeout' })
    await until('the first half', () => received >= half)
    vi.advanceTimersByTime(60_000)
    await failed
    expect([await folder.placed(), await folder.partBytes()]).toEqual([undefined, half])
  })

  test('an interrupt, and keeps what came', async () => {
    const interrupt = new AbortController()
    await using server = await FileServer.start(content, (_, response) => {
      response.writeHead(200, { etag: '"one"', 'content-length': content.length }).write(content.subarray(0, half))
      return undefined
    })
    const onProgress = ({ received }: DownloadProgress) => received >= half && interrupt.abort()
    await expect(folder.pull(server, { onProgress }, interrupt.signal)).rejects.toMatchObject({ code: 'cancelled' })
    expect([await folder.placed(), await folder.partBytes()]).toEqual([undefined, half])
  })
})
