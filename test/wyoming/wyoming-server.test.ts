import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { until } from '../support/wait.ts'
import { startWyoming } from '../support/wyoming.ts'
import { frameOf, sendSound, WyomingClient } from '../support/wyoming-client.ts'

const format = { rate: 16_000, width: 2, channels: 1 }
const quiet = new Int16Array(8000)

function gate(): { open: () => void; opened: () => Promise<void> } {
  let open: () => void = () => undefined
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { open, opened: () => opened }
}

describe('a Wyoming server', () => {
  it('describes what is here, each kind as one program', async () => {
    await using wyoming = await startWyoming()
    using client = await wyoming.connect()
    client.send('describe')
    const { data } = await client.one('info')
    const program = { name: 'hailstream', installed: true, version: '0.0.0-test', attribution: expect.anything() }
    expect(data).toMatchObject({
      asr: [
        {
          ...program,
          supports_transcript_streaming: true,
          models: [{ name: 'scripted-ears', languages: ['en', 'de'] }],
        },
      ],
      tts: [
        {
          ...{ ...program, supports_synthesize_streaming: true },
          voices: [
            { name: 'scripted-en', languages: ['en-US'], speakers: null, installed: true },
            { name: 'tone-de', speakers: [{ name: 'anna' }, { name: 'ben' }] },
          ],
        },
      ],
      vad: [{ ...program, models: [{ name: 'scripted-vad' }] }],
      handle: [],
      wake: [{ ...program, models: expect.arrayContaining([expect.objectContaining({ name: 'hello robot' })]) }],
    })
  })

  it('names no program for what has no model', async () => {
    await using wyoming = await startWyoming()
    wyoming.speech.available = false
    wyoming.speech.voices = wyoming.speech.voices.map((voice) => ({ ...voice, state: 'missing' as const }))
    using client = await wyoming.connect()
    // The first answer was found before.
    client.send('describe')
    await client.one('info')
    client.send('describe')
    expect((await client.one('info')).data).toMatchObject({ asr: [], tts: [] })
  })

  it('answers a ping, and refuses what it does not know without sending the client away', async () => {
    await using wyoming = await startWyoming()
    using client = await wyoming.connect()
    client.send('run-satellite')
    expect((await client.one('error')).data).toEqual({
      text: expect.stringContaining('run-satellite'),
      code: 'invalid',
    })
    client.send('ping', { text: 'still here?' }, undefined, 'within')
    expect((await client.one('pong')).data).toEqual({ text: 'still here?' })
  })

  it('tells what is wrong with a request, then ends the connection, so that nobody waits for an answer', async () => {
    const wrong: [string, object, string][] = [
      ['synthesize', {}, 'synthesize: text'],
      ['synthesize', { text: 'a', text_format: 'ssml' }, 'SSML'],
      ['synthesize', { text: 'a', voice: { name: 'nobody' } }, 'nobody'],
      ['synthesize', { text: 'a', voice: { language: 'xx' } }, 'xx'],
      ['synthesize-chunk', { text: 'a' }, 'synthesize-start'],
      ['audio-stop', {}, 'audio-start'],
      ['audio-start', { ...format, rate: 16_001 }, 'rate'],
      ['audio-start', { ...format, width: 5 }, 'width'],
      ['transcribe', { vad_sensitivity: 'relaxed' }, 'audio-stop'],
      ['transcribe', { speed: 3 }, 'speed'],
      ['transcript', { text: 'hello' }, 'language model'],
    ]
    await using wyoming = await startWyoming()
    for (const [type, data, told] of wrong) {
      using client = await wyoming.connect()
      client.send(type, data)
      expect((await client.one('error')).data.text, type).toContain(told)
      await client.closed()
    }
  })

  it('tells that a frame is broken, after what was asked before it, and ends the connection', async () => {
    await using wyoming = await startWyoming()
    using client = await wyoming.connect()
    client.socket.write(Buffer.concat([frameOf('ping', { text: 'first' }), Buffer.from('GET / HTTP/1.1\r\n')]))
    const seen = await client.until('error')
    expect(seen.map(({ type }) => type)).toEqual(['pong', 'error'])
    expect(seen[1]?.data).toMatchObject({ code: 'invalid' })
    await client.closed()
  })

  it('gives up on a frame whose rest does not come', async () => {
    await using wyoming = await startWyoming({ times: { frameDeadlineMs: 100 } })
    for (const cut of [5, -1]) {
      using client = await wyoming.connect()
      client.socket.write(frameOf('audio-chunk', format, Buffer.alloc(50)).subarray(0, cut))
      expect((await client.one('error')).data).toMatchObject({ code: 'timeout' })
      await client.closed()
    }
  })

  it('lets go of a client that says nothing', async () => {
    await using wyoming = await startWyoming({ times: { silentMs: 100 } })
    using client = await wyoming.connect()
    await client.closed()
    await until('the client to be forgotten', () => wyoming.server.size === 0)
  })

  it('refuses one client too many, and takes the next when there is room', async () => {
    await using wyoming = await startWyoming({ mostClients: 2 })
    const [first, second] = [await wyoming.connect(), await wyoming.connect()]
    first.send('ping')
    second.send('ping')
    await Promise.all([first.one('pong'), second.one('pong')])
    using third = await wyoming.connect()
    expect((await third.one('error')).data).toMatchObject({ code: 'busy' })
    await third.closed()
    first.socket.destroy()
    await until('room', () => wyoming.server.size === 1)
    using fourth = await wyoming.connect()
    fourth.send('ping')
    await fourth.one('pong')
    second.socket.destroy()
  })

  it('serves a hundred clients at once, each its own', async () => {
    await using wyoming = await startWyoming()
    const clients = await Promise.all(Array.from({ length: 100 }, () => wyoming.connect()))
    const answers = await Promise.all(
      clients.map(async (client, i) => {
        if (i % 3 === 0) sendSound(client, quiet)
        else if (i % 3 === 1) client.send('synthesize', { text: `number ${i}` })
        client.send('ping', { text: String(i) })
        return client.one('pong')
      }),
    )
    expect(answers.map(({ data }) => data.text)).toEqual(clients.map((_, i) => String(i)))
    expect(wyoming.speech.spoken).toHaveLength(33)
    for (const client of clients) client.socket.destroy()
    await until('all to be forgotten', () => wyoming.server.size === 0)
  })

  it('ends every client when it is closed', async () => {
    const wyoming = await startWyoming()
    using client = await wyoming.connect()
    client.send('ping')
    await client.one('pong')
    await wyoming[Symbol.asyncDispose]()
    await client.closed()
    await expect(WyomingClient.connect(wyoming.server.port)).rejects.toThrow('ECONNREFUSED')
  })

  it('reads no further while a client’s requests wait, and answers all of them', async () => {
    const wait = gate()
    await using wyoming = await startWyoming()
    wyoming.speech.gate = () => wait.opened()
    using client = await wyoming.connect()
    client.send('synthesize', { text: 'wait' })
    const sound = Buffer.alloc(1 << 20)
    for (let i = 0; i < 12; i++) client.send('ping', { text: null }, sound)
    client.send('ping', { text: 'end' })
    await client.one('audio-start')
    await until('the socket to be full', () => client.socket.writableLength > 1 << 20)
    wait.open()
    await until('the last answer', async () => (await client.one('pong')).data.text === 'end')
  })
})

it('says which address cannot be listened on', async () => {
  await using wyoming = await startWyoming()
  await expect(startWyoming({ port: wyoming.server.port })).rejects.toThrow(`127.0.0.1:${wyoming.server.port}`)
})

it('takes a socket that is opened and closed at once for nothing', async () => {
  await using wyoming = await startWyoming()
  for (let i = 0; i < 20; i++) connect(wyoming.server.port, '127.0.0.1').destroy()
  using client = await wyoming.connect()
  client.send('ping')
  await client.one('pong')
})
