import { createWriteStream, mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import busboy from 'busboy'
import { openUnnamedFile } from '../../engine/audio/unnamed-file.ts'
import { readForm } from '../../engine/routes/upload.ts'
import { startServer } from '../support/server.ts'

// A server that takes forms with one file, puts the file on disk, and answers its bytes: ours, or Node's with busboy. Says its port.
const folder = mkdtempSync(join(tmpdir(), 'hailstream-bench-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
process.send?.({ port: process.argv[2] === 'ours' ? await startOurs() : await startPeer() })

async function startOurs(): Promise<number> {
  const limits = { maxFileBytes: 200_000_000, maxFiles: 1 }
  const fetch = async (request: Request) => {
    const form = await readForm(request, folder, limits)
    try {
      return new Response(String(form.files[0]?.bytes))
    } finally {
      await form[Symbol.asyncDispose]()
    }
  }
  const large = { maxUploadBytes: 200_000_000, maxPendingUploadBytes: 400_000_000 }
  const { server } = await startServer({ fetch, uploadPaths: new Set(['/upload']), limits: large })
  return server.port
}

async function startPeer(): Promise<number> {
  const server = createServer((request, response) => void receive(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const parser = busboy({ headers: request.headers })
  const written: Promise<void>[] = []
  let bytes = 0
  parser.on('file', (_name, stream) => {
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length
    })
    written.push(write(stream))
  })
  await pipeline(request, parser)
  await Promise.all(written)
  response.end(String(bytes))
}

async function write(stream: NodeJS.ReadableStream): Promise<void> {
  const file = await openUnnamedFile(folder)
  await pipeline(stream, createWriteStream('', { fd: file }))
}
