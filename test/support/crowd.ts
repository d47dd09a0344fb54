import { connect, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

/** What a crowd does: so many clients of each kind at once. */
export interface CrowdOptions {
  readonly port: number
  /** A body of `POST /api/generate`, whose answer is a stream. */
  readonly question: string
  /** A whole form for `POST /v1/audio/transcriptions`, with the boundary `x`. */
  readonly form: Buffer
  /** Ask again and again, and read each answer to its end. */
  readonly patient: number
  /** Read a little at a time. */
  readonly slow: number
  /** Send half a form, and leave. */
  readonly halfSent: number
  /** Leave after the first tokens. */
  readonly hungUp: number
}

/** What became of it. */
export interface CrowdFigures {
  /** Whole answers of each patient client. */
  readonly answered: readonly number[]
  /** Answers that ended otherwise than they should, as far as they came. */
  readonly broken: readonly string[]
  readonly slowAnswers: number
  readonly halfSent: number
  readonly hungUp: number
}

const readEveryMs = 20
const slowReadBytes = 1024
const heldUploadMs = 300
const answerEnd = '"done":true'

/** Clients of all kinds at once, good and rude, for so long; each ends what it has begun. */
export async function runCrowd(options: CrowdOptions, seconds: number): Promise<CrowdFigures> {
  const end = performance.now() + seconds * 1000
  const broken: string[] = []
  const repeat = (clients: number, once: () => Promise<string | undefined>) =>
    Promise.all(Array.from({ length: clients }, () => countUntil(end, once, broken)))
  const [answered, slow, halfSent, hungUp] = await Promise.all([
    repeat(options.patient, () => askAll(options)),
    repeat(options.slow, () => askSlowly(options)),
    repeat(options.halfSent, () => sendHalf(options)),
    repeat(options.hungUp, () => leaveEarly(options)),
  ])
  return { answered, broken, slowAnswers: sum(slow), halfSent: sum(halfSent), hungUp: sum(hungUp) }
}

/** How often it went well. What went wrong is told by what `once` gives. */
async function countUntil(end: number, once: () => Promise<string | undefined>, broken: string[]): Promise<number> {
  let count = 0
  while (performance.now() < end) {
    const wrong = await once()
    if (wrong === undefined) count++
    else broken.push(wrong)
  }
  return count
}

async function askAll(options: CrowdOptions): Promise<string | undefined> {
  const socket = ask(options)
  const text = await readUntil(socket, (read) => read.includes(answerEnd) || isRefused(read))
  socket.destroy()
  return text.includes(answerEnd) ? undefined : text
}

async function askSlowly(options: CrowdOptions): Promise<string | undefined> {
  const socket = ask(options)
  let text = ''
  socket.pause()
  while (!socket.destroyed && !text.includes(answerEnd) && !isRefused(text)) {
    await wait(readEveryMs)
    text += (socket.read(Math.min(slowReadBytes, socket.readableLength)) ?? '').toString()
    // Has more read from the kernel where nothing is there.
    if (socket.readableLength === 0) socket.read(0)
  }
  socket.destroy()
  return text.includes(answerEnd) ? undefined : text
}

async function sendHalf({ port, form }: CrowdOptions): Promise<undefined> {
  const socket = open(port)
  const type = 'multipart/form-data; boundary=x'
  socket.write(head('/v1/audio/transcriptions', type, form.length))
  socket.write(form.subarray(0, form.length / 2))
  await wait(heldUploadMs)
  socket.destroy()
}

async function leaveEarly(options: CrowdOptions): Promise<undefined> {
  const socket = ask(options)
  await readUntil(socket, (read) => read.includes('"done":false') || isRefused(read))
  socket.destroy()
}

function ask({ port, question }: CrowdOptions): Socket {
  const socket = open(port)
  socket.write(head('/api/generate', 'application/json', Buffer.byteLength(question)))
  socket.write(question)
  return socket
}

function open(port: number): Socket {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  // What it had not heard by then is missed by who reads it.
  socket.on('error', () => undefined)
  return socket
}

function head(path: string, type: string, length: number): string {
  return `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: ${type}\r\ncontent-length: ${length}\r\n\r\n`
}

function isRefused(text: string): boolean {
  return /^HTTP\/1.1 [45]/.test(text) || text.includes('"error"')
}

/** What came until it is enough, or the connection was closed. */
function readUntil(socket: Socket, isEnough: (text: string) => boolean): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1')
      if (isEnough(text)) resolve(text)
    })
    socket.on('close', () => resolve(text))
  })
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}
