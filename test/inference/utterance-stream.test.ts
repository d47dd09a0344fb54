import { describe, expect, it } from 'vitest'
import type { SpokenSegment } from '../../engine/inference/speech.ts'
import { UtteranceStream } from '../../engine/inference/utterance-stream.ts'
import { fakeDetector } from '../support/fake-detector.ts'
import { until } from '../support/wait.ts'

const second = 16_000
const stepSamples = 512
const sound = (seconds: number, level = 0.5) =>
  new Float32Array(Math.round((seconds * second) / stepSamples) * stepSamples).fill(level)
const segment = (text: string, start: number, end: number): SpokenSegment => ({
  text,
  start,
  end,
  words: [],
  language: 'en',
})

type Transcribe = (samples: Float32Array, signal: AbortSignal) => AsyncIterable<SpokenSegment>

/** What a stand-in hears: a word for each whole half second that is loud. */
async function* countHalves(samples: Float32Array) {
  const loud = samples.filter((value) => Math.abs(value) > 0.1).length / second
  const words = Array.from({ length: Math.floor(2 * loud + 0.1) }, (_, i) => `w${i}`)
  if (words.length > 0) yield segment(words.join(' '), 0, samples.length / second)
}

async function openStream(transcribe: Transcribe = countHalves, now = () => 0, isTurn = false) {
  const detector = fakeDetector()
  const stream = new UtteranceStream({ detection: await detector.open(), transcribe, partialMs: 100, now, isTurn })
  const told: { stable: string; tentative: string }[] = []
  const reading = (async () => {
    for await (const partial of stream.partials) told.push(partial)
  })()
  return { detector, stream, told, reading }
}

describe('a stream over a recogniser of utterances', () => {
  it('recognises each utterance when it ends, with its time in the stream', async () => {
    const { stream, told, reading, detector } = await openStream()
    for (const part of [sound(1, 0), sound(1), sound(1, 0), sound(2), sound(1, 0)]) stream.push(part)
    const segments = await stream.finish()
    expect(segments.map(({ text }) => text)).toEqual(['w0 w1', 'w0 w1 w2 w3'])
    // It begins a third of a second early: the detector is sure a little late.
    expect(segments[0]?.start).toBeGreaterThan(0.6)
    expect(segments[0]?.start).toBeLessThan(1.05)
    expect(segments[1]?.start).toBeGreaterThan(2.6)
    expect(segments[1]?.start).toBeLessThan(3.05)
    await reading
    expect(told.at(-1)).toEqual({ stable: 'w0 w1 w0 w1 w2 w3', tentative: '' })
    expect(detector.opened).toBe(0)
  })

  it('tells partial texts while one speaks, and takes back no stable word', async () => {
    let time = 0
    const { stream, told, reading } = await openStream(countHalves, () => time)
    for (let i = 0; i < 64; i++) {
      stream.push(sound(0.064))
      time += 200
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    const segments = await stream.finish()
    await reading
    expect(told.some(({ stable, tentative }) => stable !== '' && tentative !== '')).toBe(true)
    for (const [i, { stable }] of told.entries()) expect(stable.startsWith(told[i - 1]?.stable ?? '')).toBe(true)
    expect(told.at(-1)?.stable).toBe(segments[0]?.text)
  })

  it('makes no new hypothesis before the time, nor before as long as the last one took', async () => {
    let time = 0
    const asked: number[] = []
    const slow: Transcribe = async function* (samples) {
      asked.push(time)
      time += 300
      yield* countHalves(samples)
    }
    const { stream } = await openStream(slow, () => time)
    for (let i = 0; i < 20; i++) {
      stream.push(sound(0.096))
      time += 50
      await new Promise((resolve) => setImmediate(resolve))
    }
    await stream[Symbol.asyncDispose]()
    expect(asked.length).toBeGreaterThan(1)
    for (const [i, at] of asked.entries()) if (i > 0) expect(at - (asked[i - 1] ?? 0)).toBeGreaterThanOrEqual(600)
  })

  it('gives a hypothesis up when the utterance ends', async () => {
    const aborted: boolean[] = []
    let calls = 0
    const hanging: Transcribe = async function* (samples, signal) {
      if (++calls > 1) return yield* countHalves(samples)
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
      aborted.push(signal.aborted)
      throw new Error('given up')
    }
    const { stream } = await openStream(hanging)
    stream.push(sound(1))
    await until('the hypothesis', () => calls === 1)
    stream.push(sound(1, 0))
    expect((await stream.finish()).map(({ text }) => text)).toEqual(['w0 w1'])
    expect(aborted).toEqual([true])
  })

  it('recognises while the silence goes on, and not again where nothing more was said', async () => {
    const asked: number[] = []
    const counting: Transcribe = (samples) => {
      asked.push(samples.length / stepSamples)
      return countHalves(samples)
    }
    const { stream, told } = await openStream(counting)
    // Only the pause asks: the time for another hypothesis does not come.
    stream.push(sound(1.024))
    await until('the first hypothesis', () => asked.length === 1)
    stream.push(sound(0.192, 0))
    await until(
      'what is said before the pause',
      () => told.at(-1)?.tentative === 'w0 w1' || told.at(-1)?.stable === 'w0',
    )
    expect(asked.at(-1)).toBe(32 + 6)
    stream.push(sound(0.512, 0))
    expect((await stream.finish()).map(({ text }) => text)).toEqual(['w0 w1'])
    expect(asked).toHaveLength(2)
  })

  it('recognises again when something was said after the pause', async () => {
    const { stream } = await openStream()
    for (const part of [sound(1.024), sound(0.256, 0), sound(0.512), sound(0.512, 0)]) {
      stream.push(part)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    expect((await stream.finish()).map(({ text }) => text)).toEqual(['w0 w1 w2'])
  })

  it('recognises a speaker without a pause in pieces', async () => {
    const { stream } = await openStream()
    for (let i = 0; i < 8; i++) {
      stream.push(sound(4.992))
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    const segments = await stream.finish()
    expect(segments.length).toBe(2)
    expect(segments[1]?.start).toBeCloseTo(25, 0)
  })

  it('refuses samples when it is more than 30 s behind, and after its end', async () => {
    const never: Transcribe = async function* (_, signal) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
      yield* []
    }
    const { stream } = await openStream(never)
    stream.push(sound(1))
    stream.push(sound(1, 0))
    await until('the work on the first utterance', () => {
      try {
        stream.push(sound(10, 0))
        return false
      } catch (error) {
        expect(error).toMatchObject({ code: 'busy' })
        return true
      }
    })
    await stream[Symbol.asyncDispose]()
    expect(() => stream.push(sound(1))).toThrow('closed')
    await stream[Symbol.asyncDispose]()
  })

  it('tells who reads and who waits for the end when the recogniser fails', async () => {
    const broken: Transcribe = async function* () {
      yield* []
      throw new Error('the recogniser broke')
    }
    const { stream, reading, detector } = await openStream(broken)
    const read = expect(reading).rejects.toThrow('broke')
    stream.push(sound(1))
    stream.push(sound(1, 0))
    await expect(stream.finish()).rejects.toThrow('the recogniser broke')
    await read
    expect(detector.opened).toBe(0)
  })

  it('makes no hypothesis about what takes longer to recognise than to say, once it is no quick work', async () => {
    let time = 0
    const asked: number[] = []
    const slow: Transcribe = async function* (samples) {
      asked.push(samples.length / second)
      time += 1500 * (samples.length / second)
      yield* countHalves(samples)
    }
    const { stream } = await openStream(slow, () => time)
    for (let i = 0; i < 40; i++) {
      stream.push(sound(0.096))
      time += 5000
      await new Promise((resolve) => setImmediate(resolve))
    }
    const segments = await stream.finish()
    expect(segments.map(({ text }) => text)).toEqual(['w0 w1 w2 w3 w4 w5 w6'])
    expect(asked.length).toBeGreaterThan(1)
    for (const seconds of asked.slice(0, -1)) expect(seconds).toBeLessThan(1.1)
  })

  it('understands a turn as a whole, also over a pause', async () => {
    const { stream } = await openStream(countHalves, () => 0, true)
    for (const part of [sound(1.024), sound(1.024, 0), sound(1.024), sound(0.512, 0)]) stream.push(part)
    expect((await stream.finish()).map(({ text }) => text)).toEqual(['w0 w1 w2 w3'])
  })

  it('recognises the first part of a long turn at a pause, while the rest is yet to be said', async () => {
    const { stream, told } = await openStream(countHalves, () => 0, true)
    for (const part of [sound(2.048), sound(0.992, 0), sound(3.008), sound(0.608, 0)]) stream.push(part)
    const first = 'w0 w1 w2 w3 w4 w5 w6 w7 w8 w9'
    await until('the first part', () => told.at(-1)?.stable === first)
    stream.push(sound(1.024))
    expect((await stream.finish()).map(({ text }) => text)).toEqual([first, 'w0 w1'])
  })
})
