import { readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { type Recogniser, speechRate } from '../../engine/inference/speech.ts'
import { hasTestData, testData } from '../support/data.ts'
import { createSpeech, readSpeech, transcribe, wordErrorRate } from '../support/speech.ts'
import { type BenchRow, toRow } from './row.ts'

const files = ['arctic_a0024.wav', 'jfk.wav'] as const
/** Spoken live, and when its speech begins, in seconds. */
const live = { file: files[0], speechAt: 0.26 }
/** A piece of live sound, in seconds. */
const pieceS = 0.1

/** Every recogniser that is on this machine, on recordings whose words are known: how many words are wrong, how fast it is, and how soon it says something. */
export default async function bench(): Promise<BenchRow[]> {
  if (!hasTestData) throw new Error('Expected the test data with recordings and their words')
  await using setup = await createSpeech({ paths: [testData('models')] })
  const rows: BenchRow[] = []
  for (const recogniser of await setup.speech.recognisers()) {
    for (const file of files) rows.push(...(await measureFile(recogniser, file)))
    rows.push(await measureLive(recogniser))
  }
  return rows
}

async function measureFile(recogniser: Recogniser, file: string): Promise<BenchRow[]> {
  const { transcripts } = JSON.parse(readFileSync(testData('truth/text_speech_llm.json'), 'utf8'))
  const samples = await readSpeech(testData(`media/${file}`))
  await transcribe(recogniser, samples.subarray(0, speechRate)) // loads the model
  const startedAt = performance.now()
  const segments = await transcribe(recogniser, samples)
  const seconds = (performance.now() - startedAt) / 1000
  const wrong = wordErrorRate(segments.map(({ text }) => text).join(' '), transcripts[file])
  const name = `${recogniser.name}, ${file}`
  return [
    toRow({ name: `${name}: word error rate`, unit: '%', ours: [100 * wrong], better: 'less' }),
    toRow({
      ...{ name: `${name}: work for a second of sound`, unit: 's', better: 'less' },
      ours: [(seconds * speechRate) / samples.length],
    }),
  ]
}

/** From the first sound of speech to the first words, while it is spoken. */
async function measureLive(recogniser: Recogniser): Promise<BenchRow> {
  const samples = await readSpeech(testData(`media/${live.file}`))
  const stream = await recogniser.open({})
  try {
    const startedAt = performance.now()
    const first = firstPartial(stream.partials)
    const piece = Math.round(pieceS * speechRate)
    for (let at = 0; at < samples.length; at += piece) {
      await wait(Math.max(0, startedAt + (1000 * (at + piece)) / speechRate - performance.now()))
      stream.push(samples.slice(at, at + piece))
    }
    await stream.finish()
    const ms = (await first) - startedAt - 1000 * live.speechAt
    return toRow({ name: `${recogniser.name}: first words of live sound`, unit: 'ms', ours: [ms], better: 'less' })
  } finally {
    await stream[Symbol.asyncDispose]()
  }
}

/** When it came, by `performance.now()`. */
async function firstPartial(
  partials: AsyncIterable<{ readonly stable: string; readonly tentative: string }>,
): Promise<number> {
  let at = Number.NaN
  for await (const { stable, tentative } of partials)
    if (`${stable}${tentative}`.trim() !== '' && Number.isNaN(at)) at = performance.now()
  return at
}
