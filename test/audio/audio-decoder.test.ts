import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AudioDecoder } from '../../engine/audio/audio-decoder.ts'
import { tone } from '../support/scripted-speech.ts'
import { compareSounds, containers, convertSound, decodeSound, wavOf, withFile } from '../support/sounds.ts'

const never = new AbortController().signal
let folder: string
/** A voice-like sweep, so that a shift shows: two tones after each other, at 44.1 kHz. */
let source: string
let expected: Float32Array
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hailstream-audio-'))
  const chirp = Int16Array.from({ length: 44_100 * 2 }, (_, i) => {
    const t = i / 44_100
    return Math.round(12_000 * Math.sin(2 * Math.PI * (200 * t + 300 * t * t)))
  })
  source = join(folder, 'source.wav')
  const bytes = wavOf(chirp, 44_100)
  await writeFile(source, bytes)
  expected = await decodeSound(bytes, 16_000)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const decode = (path: string, decoder = new AudioDecoder(), signal = never) =>
  withFile(path, (fd) => decoder.decode(fd, signal))

describe('a decoder of audio', () => {
  it.each(Object.keys(containers) as (keyof typeof containers)[])(
    'gives the sound of %s as mono of 16 kHz, in its right place',
    async (container) => {
      const decoder = new AudioDecoder()
      const { samples, seconds, release } = await decode(await convertSound(source, container, folder), decoder)
      expect(Math.abs(seconds - 2)).toBeLessThan(0.12) // codecs pad to whole frames
      const { shift, likeness } = compareSounds(expected, samples, 1600)
      expect(likeness).toBeGreaterThan(0.98)
      expect(Math.abs(shift)).toBeLessThan(0.06 * 16_000)
      expect(decoder.heldBytes).toBe(samples.length * 4)
      release()
      release()
      expect(decoder.heldBytes).toBe(0)
    },
  )

  it('refuses what is no audio, what is cut off before any sound, and an empty file', async () => {
    for (const bytes of ['not audio at all, but text', Buffer.alloc(4096, 7), wavOf(new Int16Array(0), 16_000)]) {
      const path = join(folder, 'bad')
      await writeFile(path, bytes)
      await expect(decode(path)).rejects.toMatchObject({ code: 'invalid' })
    }
  })

  it('survives a head that claims what no machine has', async () => {
    const path = join(folder, 'claims.wav')
    for (const [offset, claim] of [
      [24, 0x7fffffff],
      [22, 0xffff],
      [16, 0x7fffffff],
      [32, 0],
    ] as const) {
      const bytes = wavOf(tone(300, 16_000, 0.2), 16_000)
      if (claim > 0xffff) bytes.writeUInt32LE(claim, offset)
      else bytes.writeUInt16LE(claim, offset)
      await writeFile(path, bytes)
      const heard = await decode(path, new AudioDecoder({ deadlineMs: 20_000 })).catch(
        (error: { code: string }) => error,
      )
      expect('samples' in heard ? heard.samples.length < 16_000 : heard.code === 'invalid').toBe(true)
    }
  })

  it('opens no other file that an upload names', async () => {
    const path = join(folder, 'playlist')
    for (const list of [`#EXTM3U\n#EXTINF:1,\nfile:${source}\n`, `ffconcat version 1.0\nfile ${source}\n`]) {
      await writeFile(path, list)
      await expect(decode(path)).rejects.toMatchObject({ code: 'invalid' })
    }
  })

  it('refuses audio that is too long, and more than it may hold, and holds nothing of it', async () => {
    const short = new AudioDecoder({ maxSeconds: 1 })
    await expect(decode(source, short)).rejects.toMatchObject({ code: 'too-large' })
    expect(short.heldBytes).toBe(0)
    const small = new AudioDecoder({ maxHeldBytes: 3 * 16_000 * 4 })
    const { release } = await decode(source, small)
    await expect(decode(source, small)).rejects.toMatchObject({ code: 'busy' })
    release()
    expect(small.heldBytes).toBe(0)
    await expect(decode(source, small)).resolves.toMatchObject({ seconds: 2 })
  })

  it('ends with its caller, and leaves its turn to the next', async () => {
    const long = join(folder, 'long.wav')
    await writeFile(long, wavOf(tone(300, 16_000, 600), 16_000))
    const decoder = new AudioDecoder({ runningAtOnce: 1 })
    const leaving = new AbortController()
    const left = decode(long, decoder, leaving.signal)
    const next = decode(source, decoder)
    leaving.abort(new Error('left'))
    await expect(left).rejects.toThrow('left')
    await expect(next).resolves.toMatchObject({ seconds: 2 })
  })

  it('answers within its deadline', async () => {
    await expect(decode(source, new AudioDecoder({ deadlineMs: 1 }))).rejects.toMatchObject({ code: 'timeout' })
  })
})
