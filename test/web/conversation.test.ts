import { mkdtempSync, rmSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { wavHeader } from '../../engine/audio/wav.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { launchBrowser } from '../support/browser.ts'
import { hasTestData, testData } from '../support/data.ts'
import { msPerLetter, VoiceStages } from '../support/voice-stages.ts'
import { listenToPage } from './played-sound.ts'

/** Half a minute of speech in which no word comes twice. */
const story = [
  'Alice brought cherries down every forest garden.',
  'Henry invited jolly kings living merrily near oceans.',
  'Peter quickly repaired seven tiny umbrellas.',
  'Victor waited until yesterday, zigzagging between ancient castles.',
  'Doctors eventually found golden honey inside jars.',
  'Kittens love music, naps, oranges, pillows and quiet rooms.',
  'Sailors travel under very wide yellow skies.',
  'Elephants follow gentle hunters into the jungle.',
].join(' ')

const sampleRate = 16_000
/** Of the recording of the test data; after it there is quiet for a reply, and then it comes again. Its own pauses end turns as well. */
const [clipSeconds, quietSeconds] = [11, 9]

let folder: string
let engine: TestApp
let browser: Browser
const stages = new VoiceStages()

async function writeMicrophone(file: string): Promise<void> {
  const clip = (await readFile(testData('media/jfk.wav'))).subarray(-clipSeconds * sampleRate * 2)
  const quiet = Buffer.alloc(quietSeconds * sampleRate * 2)
  await writeFile(file, Buffer.concat([wavHeader(sampleRate, clip.length + quiet.length), clip, quiet]))
}

beforeAll(async () => {
  if (!hasTestData) return
  folder = mkdtempSync(join(tmpdir(), 'hailstream-conversation-'))
  const microphone = join(folder, 'microphone.wav')
  await writeMicrophone(microphone)
  stages.answers = [story.split(/(?<= )/)]
  stages.partials = ['and so', 'and so my fellow']
  stages.transcripts.push('And so my fellow Americans.')
  ;[engine, browser] = await Promise.all([
    startApp({}, { language: stages.language, speech: stages.speech }),
    launchBrowser(
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
      `--use-file-for-fake-audio-capture=${microphone}`,
    ),
  ])
})
afterAll(async () => {
  await browser?.close()
  await engine?.[Symbol.asyncDispose]()
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
})

/** What the model was told that it had said, in each question. */
function remembered(): string[] {
  return stages.requests.flatMap(({ input }) =>
    'messages' in input ? input.messages.filter(({ role }) => role === 'assistant').map(({ content }) => content) : [],
  )
}

/** Replies that were interrupted, as the page shows what was heard of them. */
function cutLines(page: Page): Promise<string[]> {
  return page.locator('#voice-lines li[data-state=cut]').allTextContents()
}

describe.skipIf(!hasTestData)('a conversation in Chromium, whose microphone plays a recording', () => {
  it('shows what was said, answers aloud, is silent when the recording goes on, and forgets what nobody heard', {
    timeout: 240_000,
  }, async () => {
    const page = await browser.newPage({ viewport: { width: 390, height: 844 } })
    const played = await listenToPage(page)
    await page.goto(engine.url)
    await page.click('#voice-start')
    const firstLine = () => page.locator('#voice-lines li[data-who=you]').first().textContent()
    await expect.poll(firstLine, { timeout: 60_000 }).toBe('And so my fellow Americans.')
    await expect.poll(() => played.secondsOf(), { timeout: 60_000 }).toBeGreaterThan(1)

    // The quiet is over: the recording is heard again while a reply plays.
    const lastCut = async () => (await cutLines(page)).findLast((line) => line.split(' ').length > 3)
    await expect.poll(lastCut, { timeout: 90_000 }).toBeDefined()
    await expect.poll(async () => remembered().includes((await lastCut()) ?? ''), { timeout: 60_000 }).toBe(true)

    for (const line of await cutLines(page)) expect(story.startsWith(line), line).toBe(true)
    for (const content of remembered()) expect(content.length, content).toBeLessThan(story.length)
    const heardMs = (await cutLines(page)).reduce((sum, line) => sum + line.length * msPerLetter, 0)
    expect(heardMs).toBeLessThanOrEqual((await played.secondsOf()) * 1000 + 500)
    await page.close()
  })
})
