import { describe, expect, it } from 'vitest'
import { EngineError } from '../../engine/errors.ts'
import { segment, tone } from '../support/scripted-speech.ts'
import { until } from '../support/wait.ts'
import { startWyoming } from '../support/wyoming.ts'
import { sendSound } from '../support/wyoming-client.ts'

const format = { rate: 16_000, width: 2, channels: 1 }
const quiet = new Int16Array(8000)

describe('speech to text over Wyoming', () => {
  it('gives what is certain while it comes, and the whole at the end', async () => {
    await using wyoming = await startWyoming()
    const { script } = wyoming.speech
    script.segments = [segment('turn on the light', 0, 2)]
    let pieces = 0
    script.onPush = (ears) => {
      if (pieces++ === 2) ears.partials.set({ stable: 'turn on', tentative: 'the lie' })
    }
    using client = await wyoming.connect()
    client.send('transcribe', { language: 'en-US', context: { id: 7 } })
    sendSound(client, quiet)
    const seen = await client.until('transcript-stop')
    expect(seen.map(({ type, data }) => [type, data.text])).toEqual([
      ['transcript-start', undefined],
      ['transcript-chunk', 'turn on'],
      ['transcript-chunk', ' the light'],
      ['transcript', 'turn on the light'],
      ['transcript-stop', undefined],
    ])
    expect(seen[0]?.data).toEqual({ language: 'en', context: { id: 7 } })
    expect(seen[3]?.data).toEqual({ text: 'turn on the light', language: 'en', context: { id: 7 } })
    expect(wyoming.speech.asked).toEqual([{ language: 'en' }])
  })

  it('takes sound of any rate, width and channels', async () => {
    const seconds = 0.5
    const formats = [
      ...[8000, 11_025, 22_050, 44_100, 48_000].map((rate) => ({ rate, width: 2, channels: 1 })),
      ...[1, 3, 4].map((width) => ({ rate: 16_000, width, channels: 1 })),
      ...[2, 6].map((channels) => ({ rate: 48_000, width: 2, channels })),
    ]
    await using wyoming = await startWyoming()
    for (const format of formats) {
      using client = await wyoming.connect()
      client.send('transcribe')
      client.send('audio-start', format)
      const bytes = layOut(tone(440, format.rate, seconds), format)
      // Samples lie over two pieces.
      for (let at = 0; at < bytes.length; at += 1001) client.send('audio-chunk', format, bytes.subarray(at, at + 1001))
      client.send('audio-stop')
      await client.one('transcript-stop')
      const heard = Float32Array.from(wyoming.speech.ears.at(-1)?.heard.flatMap((piece) => [...piece]) ?? [])
      expect(Math.abs(heard.length - 16_000 * seconds), JSON.stringify(format)).toBeLessThan(20)
      expect(strengthAt(440, heard), JSON.stringify(format)).toBeCloseTo(16_000 / 32_768, 1)
    }
  })

  it('waits for a recogniser that is behind, and loses nothing', async () => {
    await using wyoming = await startWyoming()
    let refusals = 3
    wyoming.speech.script.onPush = () => {
      if (refusals-- > 0) throw new EngineError('busy', 'behind')
    }
    using client = await wyoming.connect()
    client.send('transcribe')
    sendSound(client, quiet)
    await client.one('transcript')
    expect(wyoming.speech.ears[0]?.heard.reduce((sum, { length }) => sum + length, 0)).toBe(quiet.length)
  })

  it('refuses a change of format in the middle', async () => {
    await using wyoming = await startWyoming()
    using client = await wyoming.connect()
    client.send('transcribe')
    client.send('audio-start', format)
    client.send('audio-chunk', { ...format, rate: 8000 }, Buffer.alloc(20))
    expect((await client.one('error')).data.text).toContain('format of audio-start')
  })

  it('ends the recogniser’s work when the client hangs up, also while the end is waited for', async () => {
    await using wyoming = await startWyoming()
    wyoming.speech.script.gate = () => new Promise(() => undefined)
    const client = await wyoming.connect()
    client.send('transcribe')
    sendSound(client, quiet)
    await until('the sound to be heard', () => (wyoming.speech.ears[0]?.heard.length ?? 0) > 0)
    client.socket.destroy()
    await until('the end of the recogniser', () => wyoming.speech.ears[0]?.isDisposed)
    await until('the client to be forgotten', () => wyoming.server.size === 0)
  })
})

describe('text to speech over Wyoming', () => {
  it('sends the sound as it is made', async () => {
    await using wyoming = await startWyoming()
    using client = await wyoming.connect()
    client.send('synthesize', { text: 'hello', voice: { name: 'tone-de', speaker: 'anna' } })
    const seen = await client.until('audio-stop')
    const format = { rate: 22_050, width: 2, channels: 1 }
    expect(seen[0]).toMatchObject({ type: 'audio-start', data: format })
    const chunks = seen.filter(({ type }) => type === 'audio-chunk')
    expect(chunks[1]?.data).toEqual({ ...format, timestamp: 186 })
    const sound = Buffer.concat(chunks.map(({ payload }) => payload))
    const expected = wyoming.speech.sound.chunks.map((samples) => Buffer.from(samples.buffer))
    expect(sound.equals(Buffer.concat(expected))).toBe(true)
    expect(seen.at(-1)?.data).toEqual({ timestamp: 1000 })
    expect(wyoming.speech.spoken).toEqual([{ text: 'hello', options: { voice: 'tone-de', speaker: 'anna' } }])
  })

  it('chooses a voice by language', async () => {
    await using wyoming = await startWyoming()
    using client = await wyoming.connect()
    client.send('synthesize', { text: 'hello', voice: { language: 'en_GB' } })
    await client.one('audio-stop')
    expect(wyoming.speech.spoken[0]?.options).toEqual({ voice: 'scripted-en' })
  })

  it('ends the synthesis when the client hangs up in mid-sentence', async () => {
    await using wyoming = await startWyoming()
    wyoming.speech.gate = (at) => (at === 0 ? Promise.resolve() : new Promise(() => undefined))
    const client = await wyoming.connect()
    client.send('synthesize', { text: 'hello' })
    await client.one('audio-chunk')
    client.socket.destroy()
    await until('the end of the loop', () => wyoming.speech.loops.ended === 1)
  })

  it('tells that a voice failed in the middle', async () => {
    await using wyoming = await startWyoming()
    wyoming.speech.failure = { at: 1, error: new EngineError('unavailable', 'the voice died') }
    using client = await wyoming.connect()
    client.send('synthesize', { text: 'hello' })
    expect((await client.one('error')).data).toEqual({ text: 'the voice died', code: 'unavailable' })
    await client.closed()
  })
})

describe('text that comes bit by bit over Wyoming', () => {
  it('is spoken before its end is known, and the whole text that follows is not spoken again', async () => {
    await using wyoming = await startWyoming()
    using client = await wyoming.connect()
    client.send('synthesize-start', { voice: { name: 'tone-de' } })
    client.send('synthesize-chunk', { text: 'Hello ' })
    const [start, first] = await client.until('audio-chunk')
    expect([start?.type, first?.type]).toEqual(['audio-start', 'audio-chunk'])
    client.send('synthesize-chunk', { text: 'there.' })
    client.send('synthesize', { text: 'Hello there.', voice: { name: 'tone-de' } })
    client.send('synthesize-stop')
    const rest = await client.until('synthesize-stopped')
    expect(rest.filter(({ type }) => type !== 'audio-chunk').map(({ type }) => type)).toEqual([
      'audio-stop',
      'synthesize-stopped',
    ])
    expect(wyoming.speech.spoken).toEqual([
      { text: 'Hello ', options: { voice: 'tone-de' } },
      { text: 'there.', options: { voice: 'tone-de' } },
    ])
    client.send('synthesize', { text: 'Again.' })
    await client.one('audio-stop')
    expect(wyoming.speech.spoken.at(-1)?.text).toBe('Again.')
  })

  it('tells that the voice failed while more text is waited for', async () => {
    await using wyoming = await startWyoming()
    wyoming.speech.failure = { at: 0, error: new EngineError('unavailable', 'the voice died') }
    using client = await wyoming.connect()
    client.send('synthesize-start')
    client.send('synthesize-chunk', { text: 'Hello.' })
    expect((await client.one('error')).data).toEqual({ text: 'the voice died', code: 'unavailable' })
    await client.closed()
  })

  it('ends with a client that hangs up before the end of its text', async () => {
    await using wyoming = await startWyoming()
    const client = await wyoming.connect()
    client.send('synthesize-start')
    client.send('synthesize-chunk', { text: 'Hello.' })
    await client.one('audio-chunk')
    client.socket.destroy()
    await until('the client to be forgotten', () => wyoming.server.size === 0)
  })

  it('is bounded while it waits', async () => {
    const never = new Promise<void>(() => undefined)
    await using wyoming = await startWyoming()
    wyoming.speech.gate = () => never
    using client = await wyoming.connect()
    client.send('synthesize-start')
    for (let i = 0; i < 3; i++) client.send('synthesize-chunk', { text: 'a'.repeat(60_000) })
    expect((await client.one('error')).data).toMatchObject({ code: 'busy' })
  })
})

describe('voice activity over Wyoming', () => {
  it('tells when somebody begins and ceases to speak', async () => {
    await using wyoming = await startWyoming()
    using client = await wyoming.connect()
    const sound = new Int16Array(16_000 * 3)
    sound.set(tone(200, 16_000, 1), 16_000)
    sendSound(client, sound)
    const [started, stopped] = await client.until('voice-stopped')
    expect(started?.type).toBe('voice-started')
    expect(started?.data.timestamp).toBeGreaterThanOrEqual(1000)
    expect(started?.data.timestamp).toBeLessThan(1200)
    expect(stopped?.data.timestamp).toBeGreaterThanOrEqual(2500)
    expect(stopped?.data.timestamp).toBeLessThan(2700)
  })

  it('tells the end of a voice that the sound’s end cuts off', async () => {
    await using wyoming = await startWyoming()
    using client = await wyoming.connect()
    sendSound(client, tone(200, 16_000, 1))
    expect((await client.until('voice-stopped')).map(({ type }) => type)).toEqual(['voice-started', 'voice-stopped'])
  })
})

/** Signed little-endian samples, the same on each channel. */
function layOut(samples: Int16Array, { width, channels }: { width: number; channels: number }): Buffer {
  const bytes = Buffer.alloc(samples.length * width * channels)
  let at = 0
  for (const sample of samples)
    for (let channel = 0; channel < channels; channel++, at += width)
      bytes.writeIntLE(Math.floor(sample * 2 ** (8 * width - 16)), at, width)
  return bytes
}

/** Amplitude of a sine in a sound, by correlation. */
function strengthAt(hertz: number, samples: Float32Array): number {
  let [cosine, sine] = [0, 0]
  for (const [i, value] of samples.entries()) {
    cosine += value * Math.cos((2 * Math.PI * hertz * i) / 16_000)
    sine += value * Math.sin((2 * Math.PI * hertz * i) / 16_000)
  }
  return (2 * Math.hypot(cosine, sine)) / samples.length
}
