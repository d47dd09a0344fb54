import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type VoiceDetection, voiceStep } from '../../engine/inference/speech.ts'
import { hasTestData, testData } from '../support/data.ts'
import { createSpeech, readSpeech, type SpeechSetup } from '../support/speech.ts'
import { until } from '../support/wait.ts'

let setup: SpeechSetup
beforeAll(async () => {
  setup = await createSpeech()
})
afterAll(() => setup[Symbol.asyncDispose]())

/** Probabilities of the whole steps of an audio, a few asked for at once. */
async function hear(detection: VoiceDetection, samples: Float32Array): Promise<number[]> {
  const heard: number[] = []
  for (let at = 0; at + 32 * voiceStep <= samples.length + 32 * voiceStep; at += 32 * voiceStep) {
    const steps = Array.from({ length: 32 }, (_, i) => samples.subarray(at + i * voiceStep, at + (i + 1) * voiceStep))
    const whole = steps.filter((step) => step.length === voiceStep)
    heard.push(...(await Promise.all(whole.map((step) => detection.next(step)))))
  }
  return heard
}

/** Steps of speech, which begins at 0.5 and ends below 0.35. */
function speechSteps(probabilities: readonly number[]): number {
  let speaking = false
  return probabilities.filter((p) => (speaking = p >= 0.5 || (speaking && p >= 0.35))).length
}

describe.skipIf(!hasTestData)('the voice detector', () => {
  const truth = JSON.parse(readFileSync(testData('truth/text_speech_llm.json'), 'utf8')).vad_segments_s.speech_frames

  it.each(['jfk.wav', 'arctic_a0024.wav'])('hears speech in as many steps of %s as Silero does', async (file) => {
    const samples = await readSpeech(testData(`media/${file}`))
    const detection = await setup.speech.detector.open()
    const probabilities = await hear(detection, samples)
    const [speech, steps] = truth[file]
    expect(probabilities).toHaveLength(steps)
    expect(Math.abs(speechSteps(probabilities) - speech)).toBeLessThanOrEqual(1)
    await detection[Symbol.asyncDispose]()
  })
  it('keeps detections apart that take turns on the one network', async () => {
    const samples = await readSpeech(testData('media/arctic_a0024.wav'))
    const [alone, one, other] = await Promise.all([1, 2, 3].map(() => setup.speech.detector.open()))
    const expected = await hear(alone!, samples)
    const silence = hear(other!, new Float32Array(samples.length).fill(0.01))
    expect(await hear(one!, samples)).toEqual(expected)
    expect(Math.max(...(await silence))).toBeLessThan(0.5)
    one!.reset()
    expect(await hear(one!, samples)).toEqual(expected)
    for (const detection of [alone!, one!, other!]) await detection[Symbol.asyncDispose]()
  })

  it('goes on where it was when its host was killed', async () => {
    const samples = await readSpeech(testData('media/arctic_a0024.wav'))
    const half = 60 * voiceStep
    const [whole, cut] = await Promise.all([setup.speech.detector.open(), setup.speech.detector.open()])
    const expected = await hear(whole!, samples)
    const before = await hear(cut!, samples.subarray(0, half))
    const pid = setup.hostPid()
    process.kill(pid, 'SIGKILL')
    await until('another host', () => setup.speech.hosts()[0]?.state === 'up' && setup.hostPid() !== pid)
    expect([...before, ...(await hear(cut!, samples.subarray(half)))]).toEqual(expected)
    for (const detection of [whole!, cut!]) await detection[Symbol.asyncDispose]()
  })
})

describe('a voice detection', () => {
  it('does not ask about what is too quiet to be speech', async () => {
    const detection = await setup.speech.detector.open()
    expect(await detection.next(new Float32Array(voiceStep))).toBe(0)
    await detection[Symbol.asyncDispose]()
  })

  it('refuses what is no step, more steps than may wait, and steps after its end', async () => {
    const detection = await setup.speech.detector.open()
    await expect(detection.next(new Float32Array(100))).rejects.toMatchObject({
      code: 'invalid',
      message: 'Expected 512 samples, received 100',
    })
    const steps = Array.from({ length: 257 }, () => detection.next(new Float32Array(voiceStep).fill(0.1)))
    const outcomes = await Promise.allSettled(steps)
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(256)
    expect(outcomes[256]).toMatchObject({ reason: { code: 'busy' } })
    await detection[Symbol.asyncDispose]()
    await expect(detection.next(new Float32Array(voiceStep))).rejects.toMatchObject({ code: 'closed' })
  })
})
