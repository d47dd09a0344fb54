import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { descriptorsOf } from '../../support/processes.ts'
import { tone } from '../../support/scripted-speech.ts'
import { wavOf } from '../../support/sounds.ts'
import { type SpeechServer, startSpeechServer } from '../../support/speech-server.ts'
import { until } from '../../support/wait.ts'

const clients = 64
let server: SpeechServer
beforeEach(async () => {
  server = await startSpeechServer()
})
afterEach(() => server[Symbol.asyncDispose]())

const body = Buffer.concat([
  Buffer.from('--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'),
  wavOf(tone(440, 16_000, 30), 16_000),
  Buffer.from('\r\n--x--\r\n'),
])

/** Connects and sends a head and so much of its body. */
function begin(path: string, type: string, whole: Buffer, sent: number): Socket {
  const socket = connect(server.server.port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write(
    `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: ${type}\r\ncontent-length: ${whole.length}\r\n\r\n`,
  )
  socket.write(whole.subarray(0, sent))
  return socket
}

const open = () => Object.values(descriptorsOf(process.pid)).reduce((sum, count) => sum + count, 0)

describe('many clients at once', () => {
  it('leave nothing behind when they hang up in the middle of their uploads', async () => {
    const before = open()
    const type = 'multipart/form-data; boundary=x'
    const sockets = Array.from({ length: clients }, (_, i) =>
      begin('/v1/audio/transcriptions', type, body, Math.round((body.length * (i + 1)) / (clients + 1))),
    )
    // A socket on each side, and a file without a name.
    await until('all uploads on disk', () => open() - before >= 3 * clients)
    for (const socket of sockets) socket.destroy()
    await until('everything to be closed', () => open() <= before)
    expect(server.speech.heard).toEqual([])
  })

  it('are all heard, and all of what they sent', { timeout: 120_000 }, async () => {
    const type = 'multipart/form-data; boundary=x'
    const ask = async () => {
      const headers = { 'content-type': type }
      const response = await fetch(`${server.url}/v1/audio/transcriptions`, { method: 'POST', headers, body })
      return { status: response.status, text: ((await response.json()) as { text: string }).text }
    }
    const answers = await Promise.all(Array.from({ length: 16 }, ask))
    expect(new Set(answers.map((answer) => JSON.stringify(answer)))).toEqual(
      new Set([JSON.stringify({ status: 200, text: 'and so my fellow Americans' })]),
    )
    expect(server.speech.heard.every(({ samples }) => samples.length === 30 * 16_000)).toBe(true)
  })

  it('that do not read are spoken to no further than their sockets take', async () => {
    const second = tone(440, 22_050, 1)
    server.speech.sound = { sampleRate: 22_050, chunks: Array(4000).fill(second) }
    const asked = Buffer.from(JSON.stringify({ input: 'x', response_format: 'wav' }))
    const socket = begin('/v1/audio/speech', 'application/json', asked, asked.length).pause()
    await until('the first sound', () => server.speech.chunksGiven > 0)
    let [given, since] = [0, performance.now()]
    await until('stillness', () => {
      if (server.speech.chunksGiven !== given) [given, since] = [server.speech.chunksGiven, performance.now()]
      return performance.now() - since > 500
    })
    expect(given).toBeLessThan(2000)
    socket.destroy()
    await until('the end of speech', () => server.speech.loops.ended === 1)
  })
})
