import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { randomNumbers } from '../support/random.ts'
import { Child } from './child.ts'
import { type BenchRow, toRow } from './row.ts'

const megabytes = [2, 10, 100] as const
const runs = 5
/** Uploads of a run: small ones are over too soon to be timed alone. */
const uploads: Readonly<Record<number, number>> = { 2: 20, 10: 8, 100: 2 }
const boundary = 'hailstream-bench-0123456789'

/** Forms with a file of 2, 10 and 100 MB, put on disk: ours against Node's http with busboy. Both in processes of their own, in turn. */
export default async function bench(): Promise<BenchRow[]> {
  await using ours = new Child('multipart-server', ['ours'])
  await using peer = new Child('multipart-server', ['busboy'])
  const ports = { ours: await ours.hear<number>('port'), peer: await peer.hear<number>('port') }
  const rows: BenchRow[] = []
  for (const size of megabytes) {
    const body = formOf(size)
    const times = { ours: [] as number[], peer: [] as number[] }
    for (let run = 0; run <= runs; run++)
      for (const side of run % 2 === 0 ? (['ours', 'peer'] as const) : (['peer', 'ours'] as const)) {
        const rate = await timeUploads(ports[side], body, size)
        if (run > 0) times[side].push(rate) // the first warms up
      }
    const common = { unit: 'MB/s', peerName: 'http + busboy', better: 'more', goal: 1 } as const
    rows.push(toRow({ ...common, name: `upload of ${size} MB to disk`, ...times }))
  }
  const peak = { ours: [peakMb(ours.pid)], peer: [peakMb(peer.pid)] }
  rows.push(
    toRow({ name: 'most memory while uploads came', unit: 'MB', peerName: 'http + busboy', better: 'less', ...peak }),
  )
  return rows
}

/** Noise, in which every byte comes as often as any other. */
function formOf(size: number): Buffer {
  const random = randomNumbers(3)
  const piece = Buffer.from(Array.from({ length: 1_000_000 }, () => Math.floor(random() * 256)))
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n`
  return Buffer.concat([Buffer.from(head), ...Array(size).fill(piece), Buffer.from(`\r\n--${boundary}--\r\n`)])
}

/** MB a second, over one connection. */
async function timeUploads(port: number, body: Buffer, size: number): Promise<number> {
  const count = uploads[size] ?? 1
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  const start = performance.now()
  for (let i = 0; i < count; i++) await upload(socket, body, size)
  const seconds = (performance.now() - start) / 1000
  socket.destroy()
  return (count * size) / seconds
}

async function upload(socket: Socket, body: Buffer, size: number): Promise<void> {
  const answered = hear(socket, String(size * 1_000_000))
  socket.write(
    `POST /upload HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: multipart/form-data; boundary=${boundary}\r\ncontent-length: ${body.length}\r\n\r\n`,
  )
  socket.write(body)
  await answered
}

function hear(socket: Socket, expected: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let heard = ''
    const onData = (chunk: Buffer) => {
      heard += chunk.toString('latin1')
      if (!heard.includes(expected) && heard.startsWith('HTTP/1.1 200')) return
      socket.off('data', onData).off('error', reject)
      if (heard.includes(expected)) resolve()
      else reject(new Error(`Expected ${expected} bytes to have come, received ${heard}`))
    }
    socket.on('data', onData)
    socket.once('error', reject)
  })
}

/** The most that the process had in memory since it began. */
function peakMb(pid: number): number {
  const [, kilobytes] = /VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Math.round(Number(kilobytes) / 1000)
}
