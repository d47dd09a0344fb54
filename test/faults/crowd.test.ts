import { describe, expect, it } from 'vitest'
import {
  type BuiltEngine,
  expectHoldings,
  expectNoGrowth,
  restingHoldings,
  startBuiltEngine,
} from '../support/built-engine.ts'
import { type CrowdFigures, type CrowdOptions, runCrowd } from '../support/crowd.ts'
import { hasTestData, testData } from '../support/data.ts'
import { residentBytes } from '../support/processes.ts'
import { tone } from '../support/scripted-speech.ts'
import { wavOf } from '../support/sounds.ts'

/** As long as the crowd stays: 300 is what the issue asks for. */
const seconds = Number(process.env.HAILSTREAM_BENCH_SECONDS ?? 10)
const rounds = 5
/** From the second round on, in bytes: V8 and the allocator keep some MB of what was at the same time. */
const maxGrowth = 12e6

const question = JSON.stringify({
  ...{ model: 'stories260K', prompt: 'Once upon a time', raw: true },
  options: { temperature: 0, num_predict: 12 },
})
const form = Buffer.concat([
  Buffer.from('--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'),
  wavOf(tone(440, 16_000, 30), 16_000),
  Buffer.from('\r\n--x--\r\n'),
])
const kinds = { patient: 40, slow: 8, halfSent: 8, hungUp: 8 }

interface Resources {
  readonly models: readonly { readonly name: string; readonly users: readonly string[] }[]
}

async function usersOf(engine: BuiltEngine): Promise<string[]> {
  const response = await fetch(`${engine.socketUrl.replace('ws', 'http')}/api/list-resources`)
  return ((await response.json()) as Resources).models.flatMap(({ users }) => users)
}

/** In their order: as many answers for each as for the others, give or take those under way. */
function expectFair({ answered }: CrowdFigures): void {
  const [least, most] = [Math.min(...answered), Math.max(...answered)]
  expect(least, answered.join(' ')).toBeGreaterThan(0)
  expect(most, answered.join(' ')).toBeLessThanOrEqual(1.3 * least + 2)
}

describe.skipIf(!hasTestData)('64 clients at once, good and rude ones', () => {
  it('are answered in fair order, and leave no descriptor, child, slot, memory or lease behind', {
    timeout: (seconds + 300) * 1000,
  }, async () => {
    await using engine = await startBuiltEngine({ pipelines: [], 'models.paths': [testData('models')] })
    const options: CrowdOptions = { ...kinds, port: Number(new URL(engine.socketUrl).port), question, form }
    await runCrowd(options, 1) // loads the model, and sets up what stays
    const llama = await engine.hostPid('llama')
    const before = await restingHoldings(engine)
    const resident: { engine: number; llama: number }[] = []
    const told: CrowdFigures[] = []
    for (let round = 0; round < rounds; round++) {
      const figures = await runCrowd(options, seconds / rounds)
      told.push(figures)
      expect(figures.broken.slice(0, 3)).toEqual([])
      await expectHoldings(engine, before)
      expect(await usersOf(engine)).toEqual([])
      resident.push({ engine: await engine.residentBytes(), llama: residentBytes(llama) })
    }
    report(told, resident)
    for (const figures of told) expectFair(figures)
    expectNoGrowth(
      resident.slice(1).map((one) => one.engine),
      maxGrowth,
    )
    expectNoGrowth(
      resident.slice(1).map((one) => one.llama),
      maxGrowth,
    )
    expect(await engine.hostPid('llama')).toBe(llama)
  })
})

/** Whoever lets it run for long wants to see how it went. */
function report(told: readonly CrowdFigures[], resident: readonly { engine: number; llama: number }[]): void {
  if (process.env.HAILSTREAM_BENCH_SECONDS === undefined) return
  const memory = resident.map((one) => `${Math.round(one.engine / 1e6)}+${Math.round(one.llama / 1e6)}`)
  console.log(`resident MB of engine and llama.cpp, by rounds: ${memory.join(' ')}`)
  for (const { answered, slowAnswers, halfSent, hungUp } of told) {
    const range = `${Math.min(...answered)}–${Math.max(...answered)}`
    console.log(`answers of each: ${range}; slow ${slowAnswers}, half sent ${halfSent}, hung up ${hungUp}`)
  }
}
