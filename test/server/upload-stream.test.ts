import { createHash } from 'node:crypto'
import { connect } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { startServer } from '../support/server.ts'
import { until } from '../support/wait.ts'

type Started = Awaited<ReturnType<typeof startServer>>
let started: Started | undefined
afterEach(async () => {
  await started?.server.close()
})

const uploadPaths = new Set(['/upload'])
const large = { maxUploadBytes: 50_000_000, maxPendingUploadBytes: 50_000_000 }
const limits = { maxUploadBytes: 8_000_000, maxPendingUploadBytes: 10_000_000, uploadIdleMs: 10_000 }

/** A server whose route does this with the bodies of `/upload`. */
async function serve(
  route: (request: Request) => Promise<Response>,
  more: Partial<typeof limits> = {},
): Promise<Started> {
  started = await startServer({ fetch: route, uploadPaths, limits: { ...limits, ...more } })
  return started
}

async function count(request: Request): Promise<Response> {
  let bytes = 0
  for await (const chunk of request.body ?? []) bytes += chunk.length
  return Response.json({ bytes })
}

/** The server reads forms while they arrive; what is in them is the route's. */
const type = 'multipart/form-data; boundary=x'
const post = (url: string, body: RequestInit['body']) =>
  fetch(`${url}/upload`, { method: 'POST', headers: { 'content-type': type }, body, duplex: 'half' } as RequestInit)

/** A client that sends a head and as much of a body as it can, then nothing. */
function halfSent(port: number, announced: number, sent: number) {
  const socket = connect(port, '127.0.0.1')
  let heard = ''
  socket.on('data', (chunk) => {
    heard += chunk
  })
  socket.on('error', () => undefined)
  socket.write(
    `POST /upload HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: ${type}\r\ncontent-length: ${announced}\r\n\r\n`,
  )
  socket.write(Buffer.alloc(sent))
  return { socket, heard: () => heard }
}

describe('a body that is read while it arrives', () => {
  it('comes whole, with its length and in chunks', async () => {
    const { url } = await serve(count)
    expect(await (await post(url, new Uint8Array(5_000_000))).json()).toEqual({ bytes: 5_000_000 })
    const chunked = new ReadableStream({
      start(controller) {
        for (let i = 0; i < 50; i++) controller.enqueue(new Uint8Array(100_000))
        controller.close()
      },
    })
    expect(await (await post(url, chunked)).json()).toEqual({ bytes: 5_000_000 })
  })

  it('brings every byte in its order to a reader who is slow now and then', async () => {
    const body = new Uint8Array(5_000_003).map((_, i) => (i * 7 + (i >> 8)) % 251)
    let reads = 0
    const { url } = await serve(async (request) => {
      const hash = createHash('sha256')
      for await (const chunk of request.body ?? []) {
        if (reads++ % 5 === 0) await wait(2)
        hash.update(chunk)
      }
      return new Response(hash.digest('hex'))
    })
    expect(await (await post(url, body)).text()).toBe(createHash('sha256').update(body).digest('hex'))
    expect(reads).toBeGreaterThan(5)
  })

  it('is read off the socket only as fast as its reader takes it', async () => {
    let go: () => void = () => undefined
    const gate = new Promise<void>((resolve) => {
      go = resolve
    })
    const { server, url } = await serve(async (request) => {
      await gate
      return count(request)
    }, large)
    // More than the kernel's own buffers take.
    const { socket } = halfSent(server.port, 40_000_000, 40_000_000)
    await until('a full socket', () => socket.writableLength > 0 && socket.bytesWritten > 0)
    const stuck = await stillness(() => socket.writableLength)
    expect(stuck).toBeGreaterThan(30_000_000)
    go()
    await until('the whole body', () => socket.writableLength === 0)
    socket.destroy()
    expect(await (await post(url, 'x')).json()).toEqual({ bytes: 1 })
  })

  it('is forgotten when the route answers without reading it, and the connection goes on', async () => {
    const { url } = await serve(async () => new Response('seen'))
    for (let i = 0; i < 3; i++) expect(await (await post(url, new Uint8Array(6_000_000))).text()).toBe('seen')
  })

  it('is refused with 413 by its announced length and while counting', async () => {
    const { url } = await serve(count)
    expect((await post(url, new Uint8Array(8_000_001))).status).toBe(413)
    const socket = connect((started as Started).server.port, '127.0.0.1').on('error', () => undefined)
    let heard = ''
    socket.on('data', (chunk) => {
      heard += chunk
    })
    socket.write(
      `POST /upload HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: ${type}\r\ntransfer-encoding: chunked\r\n\r\n`,
    )
    for (let i = 0; i < 9; i++)
      socket.write(Buffer.concat([Buffer.from('f4240\r\n'), Buffer.alloc(1_000_000), Buffer.from('\r\n')]))
    await until('an answer', () => heard.startsWith('HTTP/1.1 413'))
    socket.destroy()
  })

  it('is refused with 503 while all together are too large, until one of them is answered', async () => {
    const { server, url } = await serve(count)
    const { socket } = halfSent(server.port, 8_000_000, 7_000_000)
    await until('the first body', () => socket.writableLength === 0)
    const refused = await until('a refusal', async () => {
      const response = await post(url, new Uint8Array(6_000_000))
      await response.arrayBuffer()
      return response.status === 503 && response
    })
    expect(refused.headers.get('retry-after')).toBe('1')
    socket.destroy()
    await until('room again', async () => (await post(url, new Uint8Array(6_000_000))).status === 200)
  })

  it('ends with 504 when nothing more comes', async () => {
    const { server } = await serve(count, { uploadIdleMs: 200 })
    const { socket, heard } = halfSent(server.port, 1000, 10)
    await until('an answer', () => heard().includes('HTTP/1.1 504'))
    socket.destroy()
  })

  it('ends with its client', async () => {
    const ends: unknown[] = []
    const { server } = await serve((request) =>
      count(request).catch((error: unknown) => {
        ends.push(error)
        return Response.error()
      }),
    )
    const { socket } = halfSent(server.port, 100_000, 50_000)
    await until('what was sent', () => socket.writableLength === 0)
    socket.destroy()
    await until('its end', () => ends.length === 1)
    expect(ends[0]).toMatchObject({ code: 'cancelled' })
  })
})

/** The value once it has not changed for a while. */
async function stillness(read: () => number): Promise<number> {
  let [value, since] = [read(), performance.now()]
  await until('stillness', () => {
    if (read() !== value) [value, since] = [read(), performance.now()]
    return performance.now() - since > 300
  })
  return value
}
