import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type SpokenSegment, speechRate } from '../../engine/inference/speech.ts'
import {
  client,
  createHailoLanguage,
  type HailoLanguageSetup,
  never,
  readAnswer,
  say,
} from '../support/hailo-language.ts'
import { standinIsBuilt } from '../support/standin.ts'
import { until } from '../support/wait.ts'

describe.skipIf(!standinIsBuilt())('the recogniser on the Hailo device', () => {
  let setup: HailoLanguageSetup

  beforeAll(async () => {
    setup = await createHailoLanguage({ deadlines: { transcribeMs: 1500 } })
  })
  afterAll(async () => {
    await setup[Symbol.asyncDispose]()
  })

  async function transcribe(samples: Float32Array, options = {}): Promise<SpokenSegment[]> {
    const segments: SpokenSegment[] = []
    for await (const segment of setup.recogniser.transcribe(samples, options, never)) segments.push(segment)
    return segments
  }

  it('transcribes beside a language model that answers', async () => {
    const answer = setup.engine.generate(undefined, say('count to 900'), client, never)
    await answer.next()
    const [segment] = await transcribe(tone(2), { language: 'en' })
    expect(segment).toMatchObject({ start: 0, end: 2, language: 'en' })
    expect(segment?.text).toMatch(/^\[stand-in\] transcribed 2.0 s of sound/)
    expect((await readAnswer(answer)).text).toMatch(/ 900$/)
  })

  it('cuts long audio at its pauses, leaves out what is silent, and gives times from its beginning', async () => {
    const segments = await transcribe(join(tone(7), silence(1), tone(8), silence(40), tone(3)))
    const times = segments.map(({ start, end }) => [start, end])
    expect(times.length).toBe(3)
    expect(times[0]?.[0]).toBe(0)
    expect(times[0]?.[1]).toBeCloseTo(7.5, 0)
    expect(times[1]?.[0]).toBe(times[0]?.[1])
    expect(times.at(-1)?.[1]).toBeCloseTo(59, 3)
  })

  it('translates when it is asked to', async () => {
    const [segment] = await transcribe(tone(1), { translate: true })
    expect(segment?.text).toContain('translated')
  })

  it('gives one window as a whole to who cuts audio in another way', async () => {
    expect(await setup.recogniser.recognise(tone(1), { language: 'de' }, never)).toEqual({
      text: expect.stringContaining('1.0 s of sound'),
      words: [],
      language: 'de',
    })
  })

  it.each([
    ['a prompt', { prompt: 'Hailo' }],
    ['a language that is none', { language: 'English' }],
  ])('refuses %s as invalid', async (_, options) => {
    await expect(transcribe(tone(1), options)).rejects.toMatchObject({ code: 'invalid' })
  })

  it('loses its host to a device that hangs, and transcribes once that goes on', async () => {
    await transcribe(tone(1))
    const { pid } = setup.host.status
    setup.standin.control('hang')
    await expect(transcribe(tone(1))).rejects.toMatchObject({ code: 'unavailable' })
    setup.standin.control('resume')
    const segments = await until('a transcript', () => transcribe(tone(1)).catch(() => undefined), 30_000)
    expect(segments).toHaveLength(1)
    expect(setup.host.status.pid).not.toBe(pid)
  })
})

function tone(seconds: number): Float32Array {
  return Float32Array.from({ length: seconds * speechRate }, (_, i) => 0.3 * Math.sin(i / 5))
}

function silence(seconds: number): Float32Array {
  return new Float32Array(seconds * speechRate)
}

function join(...parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
