import { describe, expect, test } from 'vitest'
import { EngineError } from '../../engine/errors.ts'
import { DownloadFolder } from '../support/download-folder.ts'
import { type Answer, FileServer, refuse } from '../support/file-server.ts'
import { randomNumbers } from '../support/random.ts'

const length = 90_000
const orders = 60
const faultsPerOrder = 8

/** What the server has at one time: another version has another name, and the same length. */
function version(n: number) {
  const content = Buffer.alloc(length).map((_, i) => (i * (n + 3)) >> 2)
  return { content, etag: `"${n}"` }
}

/** A fault of the server, drawn at random. It knows the file as it is when it is asked. */
function drawFault(random: () => number, server: () => FileServer): Answer {
  const at = Math.floor(random() * length)
  const faults: Answer[] = [
    (_, response) => {
      const { content, etag } = server().served
      response.writeHead(200, { etag: etag ?? '', 'content-length': content.length })
      response.write(content.subarray(0, at), () => response.destroy())
      return undefined
    },
    (_, response, { range }) => {
      const { content, etag } = server().served
      const start = Number(/\d+/.exec(range ?? '')?.[0] ?? 0)
      response.writeHead(206, {
        etag: etag ?? '',
        'content-range': `bytes ${start}-${content.length - 1}/${content.length}`,
      })
      response.write(content.subarray(start, start + at), () => response.destroy())
      return undefined
    },
    (_, response) => {
      const { content } = server().served
      response.writeHead(206, { 'content-range': `bytes ${at}-${at + 9}/${content.length + 1}` }).end('nine bytes')
      return undefined
    },
    (_, response) => {
      response.writeHead(200, { 'content-length': length }).write('x', () => response.destroy())
      return undefined
    },
    refuse(416, { 'content-range': `bytes */${at}` }),
    refuse(503),
    (_, response) => void response.destroy() as undefined,
  ]
  return faults[Math.floor(random() * faults.length)] as Answer
}

/** Pulls until it succeeds; whatever fails on the way is a failure that is told. */
async function pullUntilWhole(
  folder: DownloadFolder,
  server: FileServer,
  onFailure: () => Promise<void>,
): Promise<void> {
  for (let tries = 0; tries < 3 * faultsPerOrder; tries++) {
    try {
      await folder.pull(server, { patient: false })
      return
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      expect(['unavailable', 'invalid', 'too-large', 'timeout']).toContain(error.code)
      await onFailure()
    }
  }
  throw new Error('no try succeeded')
}

describe('a download through faults in any order', () => {
  test(`ends with a file that the server had, whole, and shows nothing half before (${orders} seeded orders)`, {
    timeout: 120_000,
  }, async () => {
    for (let seed = 1; seed <= orders; seed++) {
      const random = randomNumbers(seed)
      await using folder = await DownloadFolder.create()
      let current = 0
      await using server = await FileServer.start(version(0).content)
      Object.assign(server.served, version(0))
      server.next(...Array.from({ length: faultsPerOrder }, () => drawFault(random, () => server)))
      await pullUntilWhole(folder, server, async () => {
        expect(await folder.placed(), `seed ${seed}`).toBeUndefined()
        if (random() < 0.5) Object.assign(server.served, version(++current))
      })
      const placed = await folder.placed()
      // What had come as a whole before the server changed it is a whole file all the same.
      const had = Array.from({ length: current + 1 }, (_, n) => version(n).content)
      expect(
        had.some((content) => placed?.equals(content)),
        `seed ${seed}`,
      ).toBe(true)
    }
  })
})
