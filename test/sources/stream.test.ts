import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { lastValueFrom } from 'rxjs'
import sharp from 'sharp'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { restartForever } from '../../engine/core/lifecycle.ts'

import plugin, { untilAnswered } from '../../engine/sources/stream.ts'
import { createCaptures, watch } from '../support/captures.ts'
import { hasRtspServer, type RtspServer, startRtspServer } from '../support/rtsp-server.ts'
import { until } from '../support/wait.ts'

const { pool, hosts, tools } = createCaptures()
const open = (options: object, own = tools()) => plugin.open(plugin.options.parse(options), own)
const now = () => process.hrtime.bigint()
const servers: { close(): unknown }[] = []

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
  await until('all slots back', () => pool.ledger.stats().free === 16)
})
afterAll(async () => {
  await hosts[Symbol.asyncDispose]()
  expect(pool.ledger.stats()).toMatchObject({ free: 16, leaked: 0, staleLoans: 0 })
  pool.memory.close()
})

/** A network camera: JPEG frames as parts of one endless answer. */
async function startMjpegServer(frames: readonly Buffer[], port = 0): Promise<Server & { url: string }> {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'multipart/x-mixed-replace; boundary=frame' })
    sendFrames(response, frames)
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  servers.push({ close })
  return Object.assign(server, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/stream` })
}

function sendFrames(response: ServerResponse, frames: readonly Buffer[]): void {
  let i = 0
  const timer = setInterval(() => {
    const frame = frames[i++ % frames.length]!
    response.write(`--frame\r\nContent-Type: image/jpeg\r\nContent-Length: ${frame.length}\r\n\r\n`)
    response.write(frame)
    response.write('\r\n')
  }, 40)
  response.on('close', () => clearInterval(timer))
}

function jpeg(width: number, height: number): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background: '#c80' } })
    .jpeg()
    .toBuffer()
}

describe('MJPEG over HTTP', () => {
  it('decodes the frames into their slots, at the size that they have, reduced when they are too large', async () => {
    const server = await startMjpegServer([await jpeg(320, 240), await jpeg(640, 480), await jpeg(2560, 1440)])
    const watched = watch(open({ url: server.url }))
    await until('frames', () => watched.seen.length >= 6)
    watched.close()
    const sizes = new Set(watched.seen.map(({ width, height, format }) => `${width}x${height} ${format}`))
    expect([...sizes].sort()).toEqual(['1280x720 i420', '320x240 i420', '640x480 i420'])
    for (const [i, frame] of watched.seen.entries()) {
      expect(frame.capturedAt).toBeLessThan(frame.seenAt)
      if (i > 0) expect(frame.capturedAt).toBeGreaterThan(watched.seen[i - 1]!.capturedAt)
    }
  })

  it('counts broken pictures as lost and goes on', async () => {
    const good = await jpeg(320, 240)
    const server = await startMjpegServer([good, good.subarray(0, 300), Buffer.from('no picture at all')])
    const own = tools()
    const watched = watch(open({ url: server.url }, own))
    await until('frames and losses', () => watched.seen.length >= 4 && own.edge.counts.dropped >= 4)
    watched.close()
    expect(own.edge.counts.in).toBe(own.edge.counts.out + own.edge.counts.dropped)
  })

  it('is opened anew when the server comes back', async () => {
    const server = await startMjpegServer([await jpeg(320, 240)])
    const restarts: unknown[] = []
    const onRestart = (error: unknown) => restarts.push(error)
    const watched = watch(open({ url: server.url }).pipe(restartForever({ now, onRestart })))
    await until('frames', () => watched.seen.length >= 2)
    server.closeAllConnections()
    await until('the error', () => restarts.length > 0)
    const before = watched.seen.length
    await until('frames again', () => watched.seen.length > before + 1)
    watched.close()
    expect(restarts[0]).toMatchObject({ code: 'unavailable' })
    expect(watched.seen.map(({ seq }) => seq)).toEqual(watched.seen.map((_, i) => i))
  })

  it('says what went wrong, without the password', async () => {
    const server = await startMjpegServer([])
    await new Promise((resolve) => server.close(resolve))
    const watched = watch(open({ url: server.url.replace('//', '//user:secret@') }))
    await until('the error', () => watched.error !== undefined)
    expect(watched.error).toMatchObject({ code: 'unavailable', message: expect.stringContaining('ECONNREFUSED') })
    expect(String(watched.error)).not.toContain('secret')
  })

  it('says what GStreamer could not open, without the password', async () => {
    const server = createServer((_, response) => response.writeHead(404).end()).listen(0, '127.0.0.1')
    servers.push(server)
    await once(server, 'listening')
    const watched = watch(
      open({ url: `http://user:secret@127.0.0.1:${(server.address() as AddressInfo).port}/stream` }),
    )
    await until('the error', () => watched.error !== undefined)
    expect(watched.error).toMatchObject({ code: 'unavailable', message: expect.stringContaining('souphttpsrc') })
    expect(String(watched.error)).not.toContain('secret')
  })
})

describe.skipIf(!hasRtspServer)('RTSP', () => {
  it('gives frames, fails when the server is killed, and gives frames again when it is back', async () => {
    let server: RtspServer = await startRtspServer()
    servers.push({ close: () => server.kill() })
    const restarts: unknown[] = []
    const onRestart = (error: unknown) => restarts.push(error)
    const watched = watch(open({ url: server.url }).pipe(restartForever({ now, onRestart })))
    await until('frames', () => watched.seen.length >= 10, 15_000)
    expect(watched.seen[0]).toMatchObject({ width: 320, height: 240, format: 'i420' })
    await server.kill()
    await until('the error', () => restarts.length > 0)
    expect(restarts[0]).toMatchObject({ code: 'unavailable' })
    const before = watched.seen.length
    server = await startRtspServer(server.port)
    await until('frames again', () => watched.seen.length > before + 5, 15_000)
    watched.close()
    expect(watched.seen.map(({ seq }) => seq)).toEqual(watched.seen.map((_, i) => i))
  }, 60_000)
})

describe('a server that is asked whether it answers', () => {
  /** A listener that tells what it was asked, and answers with the text. */
  async function listen(answer: string | undefined, port = 0) {
    const asked: string[] = []
    const sockets = new Set<Socket>()
    const server = createTcpServer((socket) => {
      sockets.add(socket.on('error', () => undefined))
      socket.on('data', (bytes) => {
        asked.push(bytes.toString())
        if (answer !== undefined) socket.write(answer)
      })
    }).listen(port, '127.0.0.1')
    await once(server, 'listening')
    const close = () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    }
    servers.push({ close })
    return { port: (server.address() as AddressInfo).port, asked, sockets, close }
  }
  const ask = (address: string) => lastValueFrom(untilAnswered(new URL(address)), { defaultValue: 'answered' })

  it('is asked for its options, without the password', async () => {
    const { port, asked } = await listen('RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\n\r\n')
    expect(await ask(`rtsp://user:secret@127.0.0.1:${port}/live?channel=1`)).toBe('answered')
    expect(asked).toEqual([`OPTIONS rtsp://127.0.0.1:${port}/live?channel=1 RTSP/1.0\r\nCSeq: 1\r\n\r\n`])
  })

  it('is only connected to when it is a web server', async () => {
    const { port, asked } = await listen(undefined)
    expect(await ask(`http://127.0.0.1:${port}/stream`)).toBe('answered')
    expect(asked).toEqual([])
  })

  it('is asked again while it refuses, until it is there', async () => {
    const { port, close } = await listen('')
    close()
    const answer = ask(`rtsp://localhost:${port}/live`)
    await listen('RTSP/1.0 200 OK\r\n\r\n', port)
    expect(await answer).toBe('answered')
  })

  it('is given up when it accepts and says nothing, and its connection is closed', async () => {
    const { port, asked, sockets } = await listen(undefined)
    await expect(ask(`rtsp://127.0.0.1:${port}/live`)).rejects.toMatchObject({
      code: 'unavailable',
      message: `Expected an answer of 127.0.0.1:${port}, received none within 5000 ms`,
    })
    await until('the end of the connection', () => [...sockets].every((socket) => socket.destroyed))
    expect(asked).toHaveLength(1)
  })

  it('leaves nothing behind when nobody waits any more', async () => {
    const { port, sockets, asked } = await listen(undefined)
    const asking = untilAnswered(new URL(`rtsp://127.0.0.1:${port}/live`)).subscribe()
    await until('the question', () => asked.length === 1)
    asking.unsubscribe()
    await until('the end of the connection', () => [...sockets].every((socket) => socket.destroyed))
  })
})

describe('the options of the stream source', () => {
  it.each([
    [{ url: 'file:///etc/passwd' }, 'Expected url to be an rtsp or http address, received "file:///etc/passwd"'],
    [{ url: 'camera' }, 'Expected url to be an rtsp or http address, received "camera"'],
    [{ url: 'rtsp://host/', latency: -1 }, 'Expected latency to be 0 to 10000, received -1'],
  ])('refuse %j', (given, message) => {
    expect(plugin.options.safeParse(given).error?.issues.map((issue) => issue.message)).toEqual([message])
  })
})
