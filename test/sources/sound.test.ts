import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import source from '../../engine/sources/sound.ts'
import { createCaptures } from '../support/captures.ts'
import { tone } from '../support/scripted-speech.ts'
import { listen } from '../support/sound-captures.ts'
import { convertSound, loudest, wavOf } from '../support/sounds.ts'
import { until } from '../support/wait.ts'

const { pool, hosts, tools } = createCaptures()
const folder = mkdtempSync(join(tmpdir(), 'hailstream-sound-'))
/** A second of 440 Hz at 22,050 Hz. */
const wav = join(folder, 'a "tone" %41.wav')
const open = (options: object, own = tools('voice')) => source.open(source.options.parse(options), own)

beforeAll(() => writeFileSync(wav, wavOf(tone(440, 22_050, 1), 22_050)))
afterAll(async () => {
  await hosts[Symbol.asyncDispose]()
  expect(pool.ledger.stats()).toMatchObject({ free: 16, leaked: 0 })
  pool.memory.close()
  rmSync(folder, { recursive: true })
})

describe('the sound source', () => {
  it('gives a file in pieces of 20 ms at the rate that was asked for, then silence', async () => {
    const listened = listen(open({ path: wav, pace: 'max', loop: false, rate: 16_000 }))
    await until('the silence', () => listened.heard.length >= 60)
    listened.close()
    const { heard } = listened
    expect(heard[0]?.payload).toMatchObject({ kind: 'audio', sampleRate: 16_000, channels: 1 })
    expect(heard.slice(0, 49).map(({ payload }) => payload.samples.length)).toEqual(Array(49).fill(320))
    expect(heard.map(({ seq }) => seq)).toEqual(heard.map((_, i) => i))
    const samples = listened.samples()
    expect(loudest(samples.subarray(0, 16_000), 16_000, [220, 440, 880])).toBe(440)
    expect(Math.max(...samples.subarray(17_000))).toBe(0)
    expect(listened.ends).toEqual([])
  })

  it('gives no more at pace max than is let go', async () => {
    const listened = listen(open({ path: wav, pace: 'max' }), { hold: true })
    await until('a window of pieces', () => listened.heard.length >= 50)
    listened.heard[0]?.[Symbol.dispose]()
    await until('one more', () => listened.heard.length > 50)
    expect(listened.heard).toHaveLength(51)
    listened.close()
    for (const packet of listened.heard.slice(1)) packet[Symbol.dispose]()
  })

  it('keeps the pace of real time, and begins again at its end', async () => {
    const own = tools('voice')
    const listened = listen(open({ path: wav }, own))
    await until('two rounds', () => listened.heard.length >= 101, 20_000)
    listened.close()
    const [first, last] = [listened.heard[0], listened.heard[100]]
    const tookMs = Number((last?.capturedAt ?? 0n) - (first?.capturedAt ?? 0n)) / 1e6
    expect(tookMs).toBeGreaterThan(1500)
    expect(own.edge.counts.in).toBe(own.edge.counts.out + own.edge.counts.dropped)
  })

  it('gives the sound of a film, in as many channels as wanted', async () => {
    const film = await convertSound(wav, 'mp4', folder)
    const listened = listen(open({ path: film, pace: 'max', channels: 2, rate: 48_000 }))
    await until('half a second', () => listened.heard.length >= 25)
    listened.close()
    expect(listened.heard[3]?.payload.samples).toHaveLength(1920)
    expect(listened.heard[3]?.payload).toMatchObject({ channels: 2, sampleRate: 48_000 })
  })

  it('says that a file is not there, or is no sound', async () => {
    expect(listen(open({ path: '/none.wav' })).ends).toEqual([
      expect.objectContaining({ code: 'not-found', message: 'Expected a sound file at /none.wav, found none' }),
    ])
    const text = join(folder, 'text.wav')
    writeFileSync(text, 'no sound at all')
    const listened = listen(open({ path: text }))
    await until('the error', () => listened.ends.length > 0)
    expect(listened.ends).toEqual([expect.objectContaining({ code: 'unavailable' })])
  })

  it('refuses a rate without whole samples in a piece', () => {
    expect(() => open({ path: wav, rate: 11_025 })).toThrow(
      'Expected a rate with whole samples in 20 ms, received 11025',
    )
  })
})
