import { describe, expect, it } from 'vitest'
import { EngineError } from '../../engine/errors.ts'
import { until } from '../support/wait.ts'
import { startWyoming } from '../support/wyoming.ts'
import { sendSound } from '../support/wyoming-client.ts'

const format = { rate: 16_000, width: 2, channels: 1 }
const second = new Uint8Array(32_000)

describe('wake words over Wyoming', () => {
  it('tells each when it is heard, and not that there was none', async () => {
    await using wyoming = await startWyoming()
    using client = await wyoming.connect()
    client.send('detect', { names: ['hello robot'], context: { id: 7 } })
    client.send('audio-start', format)
    client.send('audio-chunk', format, second)
    const { spotter } = wyoming.speech
    await until('that it listens', () => spotter.heard === 16_000)
    expect(spotter.words).toEqual(['hello robot'])
    spotter.hear('hello robot', 0.2, 0.7125)
    const { data } = await client.one('detection')
    expect(data).toEqual({ name: 'hello robot', timestamp: 713, context: { id: 7 } })
    client.send('audio-stop')
    client.send('ping')
    expect((await client.until('pong')).map(({ type }) => type)).toEqual(['pong'])
  })

  it('tells at the end of the sound that there was none', async () => {
    await using wyoming = await startWyoming()
    using client = await wyoming.connect()
    client.send('detect')
    sendSound(client, new Int16Array(8000))
    const seen = await client.until('not-detected')
    expect(seen.map(({ type }) => type)).toEqual(['not-detected'])
    expect(wyoming.speech.spotter.words).toContain('hey computer')
    // The next sound is for what is asked next, and that is nothing.
    sendSound(client, new Int16Array(8000).fill(9000))
    await client.one('voice-stopped')
  })

  it('refuses words that it does not know', async () => {
    await using wyoming = await startWyoming()
    wyoming.speech.spotter.failure = new EngineError('invalid', 'Expected English words, not xyzzy')
    using client = await wyoming.connect()
    client.send('detect', { names: ['xyzzy'] })
    client.send('audio-start', format)
    expect((await client.one('error')).data).toEqual({ code: 'invalid', text: 'Expected English words, not xyzzy' })
  })

  it('tells of them in info only where they can be heard', async () => {
    await using wyoming = await startWyoming()
    using client = await wyoming.connect()
    client.send('describe')
    const [program] = (await client.one('info')).data.wake as { models: object[] }[]
    expect(program?.models).toContainEqual(
      expect.objectContaining({ name: 'hello robot', phrase: 'hello robot', languages: ['en'], installed: true }),
    )
    wyoming.speech.spotter.missing = 'not installed'
    client.send('describe')
    expect((await client.one('info')).data.wake).toEqual([])
  })
})
