import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import sharp from 'sharp'

/** A network camera whose picture can be stopped: it goes on sending, but the same picture. */
export interface MjpegCamera extends AsyncDisposable {
  readonly url: string
  /** Connections that it has accepted so far. */
  readonly connections: number
  moving: boolean
}

/** Starts one that sends 20 pictures a second as parts of one endless answer. */
export async function startMjpegCamera(): Promise<MjpegCamera> {
  const pictures = await Promise.all(Array.from({ length: 8 }, (_, i) => grey(40 + 20 * i)))
  let shown = 0
  const camera = { moving: true, connections: 0 }
  const server = createServer((_, response) => {
    camera.connections++
    response.writeHead(200, { 'content-type': 'multipart/x-mixed-replace; boundary=frame' })
    const timer = setInterval(() => {
      if (camera.moving) shown++
      const picture = pictures[shown % pictures.length] as Buffer
      response.write(`--frame\r\nContent-Type: image/jpeg\r\nContent-Length: ${picture.length}\r\n\r\n`)
      response.write(picture)
      response.write('\r\n')
    }, 50)
    response.on('close', () => clearInterval(timer))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return Object.assign(camera, {
    url: `http://127.0.0.1:${port}/stream`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
    },
  })
}

function grey(level: number): Promise<Buffer> {
  return sharp({ create: { width: 320, height: 240, channels: 3, background: { r: level, g: level, b: level } } })
    .jpeg()
    .toBuffer()
}
