import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { launchBrowser } from '../support/browser.ts'
import { FakeHub } from '../support/fake-hub.ts'
import { FakeRealtime } from '../support/fake-realtime.ts'
import { buildPage } from '../support/page.ts'
import { writeTone } from '../support/tone-file.ts'
import { listenToPage, type PlayedSound } from './played-sound.ts'

/** `HAILSTREAM_SCREENSHOTS` names a folder where the pictures stay, to be looked at. */
const keep = process.env.HAILSTREAM_SCREENSHOTS
const microphoneHertz = 1000

let folder: string
let files: string
let browser: Browser
let hub: FakeHub
let voice: FakeRealtime
let page: Page
let played: PlayedSound

beforeAll(async () => {
  files = await mkdtemp(join(tmpdir(), 'hailstream-voice-'))
  const microphone = join(files, 'microphone.wav')
  await writeTone(microphone, microphoneHertz, 10)
  ;[folder, browser] = await Promise.all([
    buildPage(),
    launchBrowser(
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
      `--use-file-for-fake-audio-capture=${microphone}`,
    ),
  ])
})
afterAll(async () => {
  await browser?.close()
  await rm(folder, { recursive: true, force: true })
  await rm(files, { recursive: true, force: true })
})
beforeEach(async () => {
  hub = new FakeHub(folder, [])
  voice = new FakeRealtime()
  hub.beside = voice
  await hub.start()
  page = await browser.newPage({ viewport: { width: 390, height: 844 } })
  played = await listenToPage(page)
  await page.goto(hub.url)
})
afterEach(async () => {
  await page.close()
  await hub.stop()
})

const status = () => page.textContent('#voice-status')
const lines = () => page.locator('#voice-lines li').allTextContents()
const heard = () => page.locator('#voice-lines li:last-child span:first-child').textContent()

async function start(): Promise<void> {
  await page.click('#voice-start')
  await expect.poll(status, { timeout: 15_000 }).toBe('Listening')
}

describe('the voice panel', () => {
  it('sends what the microphone hears as 24 kHz PCM, at its own pitch', async () => {
    await start()
    await expect.poll(() => voice.samples.length, { timeout: 15_000 }).toBeGreaterThan(48_000)
    const sound = voice.samples.slice(24_000, 48_000)
    const crossings = sound.filter((sample, i) => i > 0 && sample >= 0 && (sound[i - 1] ?? 0) < 0).length
    expect(Math.abs(crossings - microphoneHertz)).toBeLessThan(10)
    expect(Math.max(...sound.map(Math.abs))).toBeGreaterThan(1000)
    const level = await page.$eval('#voice-level', (meter) => (meter as HTMLMeterElement).value)
    expect(level).toBeGreaterThan(0.3)
  })

  it('asks for the turns of the server, and for a transcript', async () => {
    await start()
    const [update] = voice.eventsOf('session.update')
    expect(update).toMatchObject({
      session: {
        type: 'realtime',
        audio: { input: { transcription: {}, turn_detection: { type: 'server_vad', interrupt_response: true } } },
      },
    })
  })

  it('shows the words while they are spoken, then the transcript, and the reply as it is heard', async () => {
    await start()
    voice.speechStarted('u1')
    await expect.poll(status).toBe('Hearing you…')
    voice.partial('u1', 'ask not')
    await expect.poll(lines).toEqual(['ask not'])
    voice.speechEnded('u1', 'Ask not what.')
    await expect.poll(lines).toEqual(['Ask not what.'])
    voice.reply('a1', 'One two three four five six seven eight nine ten.', { seconds: 4 })
    await expect.poll(status).toBe('Speaking')
    voice.endReply('a1')
    await expect.poll(heard, { timeout: 10_000 }).toMatch(/^One two/)
    expect((await heard())?.length).toBeLessThan('One two three four five six seven eight nine ten.'.length)
    await expect.poll(heard, { timeout: 15_000 }).toBe('One two three four five six seven eight nine ten.')
    await expect.poll(status).toBe('Listening')
    expect(await played.secondsOf(500)).toBeGreaterThan(3.5)
  })

  it('is silent at once when the user speaks, and tells the server to the millisecond what was heard', async () => {
    await start()
    voice.reply('a1', 'A long reply that nobody wants to hear to its end.', { seconds: 20 })
    await expect.poll(() => played.secondsOf(500), { timeout: 15_000 }).toBeGreaterThan(0.5)
    voice.speechStarted('u2')
    voice.endReply('a1', 'cancelled')
    await expect.poll(() => voice.eventsOf('conversation.item.truncate').length).toBe(1)
    const [truncate] = voice.eventsOf('conversation.item.truncate')
    expect(truncate).toMatchObject({ item_id: 'a1', content_index: 0 })
    const seconds = await played.settled(500)
    expect(Math.abs(Number(truncate?.audio_end_ms) / 1000 - seconds)).toBeLessThan(0.15)
    expect(seconds).toBeLessThan(15)
    voice.send({ type: 'conversation.item.truncated', item_id: 'a1', content_index: 0, audio_end_ms: 1 })
    await expect.poll(() => voice.eventsOf('conversation.item.retrieve').length).toBe(1)
    const item = { id: 'a1', content: [{ type: 'output_audio', transcript: 'A long' }] }
    voice.send({ type: 'conversation.item.retrieved', item })
    await expect.poll(lines).toEqual(['A long'])
  })

  it('goes on with the reply after a cough', async () => {
    await start()
    voice.reply('a1', 'A reply of three seconds.', { seconds: 3 })
    voice.endReply('a1')
    await expect.poll(() => played.secondsOf(500), { timeout: 15_000 }).toBeGreaterThan(0.3)
    voice.speechStarted('u2')
    voice.speechDismissed('u2')
    await expect.poll(() => played.secondsOf(500), { timeout: 15_000 }).toBeGreaterThan(2.8)
    expect(voice.eventsOf('conversation.item.truncate')).toEqual([])
    await expect.poll(status).toBe('Listening')
  })

  it('is interrupted by its button, also in the middle of the making of a reply', async () => {
    await start()
    expect(await page.isDisabled('#voice-interrupt')).toBe(true)
    voice.reply('a1', 'A long reply that nobody wants to hear to its end.', { seconds: 20 })
    await expect.poll(() => played.secondsOf(500), { timeout: 15_000 }).toBeGreaterThan(0.3)
    await page.click('#voice-interrupt')
    await expect.poll(() => voice.eventsOf('conversation.item.truncate').length).toBe(1)
    expect(voice.eventsOf('response.cancel')).toHaveLength(1)
    const seconds = await played.settled(500)
    voice.reply('a2', 'Another one.', { seconds: 1, hertz: 2000 })
    await expect.poll(() => played.secondsOf(2000), { timeout: 15_000 }).toBeGreaterThan(0.8)
    expect(await played.secondsOf(500)).toBeCloseTo(seconds, 1)
  })

  it('sends only what is said while the button is held, and asks for the answer when it is let go', async () => {
    await page.getByRole('radio', { name: 'Push to talk' }).check()
    await start()
    expect(voice.eventsOf('session.update').at(-1)).toMatchObject({
      session: { audio: { input: { turn_detection: null } } },
    })
    const button = page.locator('#voice-hold')
    await button.scrollIntoViewIfNeeded()
    expect(voice.samples.length).toBe(0)
    await button.hover()
    await page.mouse.down()
    await expect.poll(() => voice.samples.length, { timeout: 15_000 }).toBeGreaterThan(12_000)
    await page.mouse.up()
    await expect.poll(() => voice.eventsOf('response.create').length).toBe(1)
    const order = voice.events.map(({ type }) => type).filter((type) => type !== 'session.update')
    expect(order).toEqual(['input_audio_buffer.clear', 'input_audio_buffer.commit', 'response.create'])
    const sent = voice.samples.length
    voice.committed('u1', 'Hello.')
    voice.reply('a1', 'Hello to you.', { seconds: 1 })
    voice.endReply('a1')
    await expect.poll(lines).toEqual(['Hello.', 'Hello to you.'])
    expect(voice.samples.length).toBe(sent)
  })

  it('talks by the space bar as well', async () => {
    await page.getByRole('radio', { name: 'Push to talk' }).check()
    await start()
    await page.focus('#voice-hold')
    await page.keyboard.down(' ')
    await expect.poll(() => voice.samples.length, { timeout: 15_000 }).toBeGreaterThan(4800)
    await page.keyboard.up(' ')
    await expect.poll(() => voice.eventsOf('response.create').length).toBe(1)
  })

  it('shows how long each stage took', async () => {
    await start()
    voice.speechStarted('u1')
    voice.speechEnded('u1', 'Hello.')
    voice.reply('a1', 'Hello to you.', { seconds: 0.5 })
    voice.endReply('a1')
    const read = (id: string) => page.textContent(`#voice-${id}`)
    await expect.poll(() => read('in-all'), { timeout: 10_000 }).toMatch(/^\d+ ms$/)
    expect(await read('turn-end')).toBe('320 ms')
    expect(await read('tokens')).toBe('7.5')
    for (const id of ['transcript', 'first-words', 'first-sound']) expect(await read(id), id).toMatch(/^\d+ ms$/)
    expect(Number.parseInt((await read('in-all')) ?? '', 10)).toBeGreaterThanOrEqual(320)
  })

  it('says who answers, what is simulated, and whose accuracy is low', async () => {
    hub.health = {
      models: [
        { name: 'whisper-base', task: 'transcribe', backend: 'sherpa-onnx', state: 'missing', why: '' },
        {
          name: 'pocketsphinx',
          task: 'transcribe',
          backend: 'pocketsphinx',
          state: 'available',
          why: 'installed with the system, US English only; its accuracy is low: pull a Whisper model',
        },
        { name: 'stories', task: 'language', backend: 'hailo', state: 'loaded', why: '' },
        { name: 'espeak-ng', task: 'speak', backend: 'espeak-ng', state: 'available', why: '' },
      ],
      devices: { hailo: { state: 'ready', simulated: true } },
      tls: null,
    }
    await start()
    const said = () => page.textContent('#voice-models')
    await expect.poll(said).toContain('Heard by pocketsphinx, answered by stories (simulated), spoken by en-us')
    expect(await said()).toContain('understands much wrong')
  })

  it('says what is missing where no language model is here, and does not ask again and again', async () => {
    voice.refuse = { code: 'model_load_error', message: 'No language model is here. Try: hailstream models pull qwen' }
    await page.click('#voice-start')
    await expect.poll(status, { timeout: 15_000 }).toContain('hailstream models pull qwen')
    expect(await page.textContent('#voice-start')).toBe('Start talking')
    expect(voice.connections).toBe(1)
  })

  it('tells the way to https where the browser gives no microphone', async () => {
    hub.health = { models: [], devices: {}, tls: { port: 8443 } }
    await page.evaluate(() => Object.defineProperty(window, 'isSecureContext', { value: false }))
    await page.click('#voice-start')
    await expect.poll(status).toContain('This engine speaks https too')
    expect(await page.getAttribute('#voice-secure', 'href')).toBe('https://localhost:8443/')
    hub.health = { models: [], devices: {}, tls: null }
    await page.click('#voice-start')
    await expect.poll(status).toContain('--set listen.tls=self-signed')
    expect(await page.isVisible('#voice-hint')).toBe(false)
  })

  it('goes on with the conversation when the connection was away, and shows what was heard of the reply until then', async () => {
    await start()
    voice.reply('a1', 'One two three four five six seven eight nine ten eleven twelve.', { seconds: 20 })
    await expect.poll(() => played.secondsOf(500), { timeout: 15_000 }).toBeGreaterThan(0.7)
    voice.hangUp()
    await expect
      .poll(() => voice.addresses, { timeout: 10_000 })
      .toEqual(['/api/voice', '/api/voice?conversation_id=conv_1'])
    await expect.poll(status, { timeout: 10_000 }).toBe('Listening')
    expect((await lines())[0]).toMatch(/^One/)
    expect(await page.locator('#voice-lines li[data-state=cut]').count()).toBe(1)
    const seconds = await played.settled(500)
    expect(seconds).toBeLessThan(15)
  })

  it('lets the microphone go when it is stopped, and begins anew when it is started again', async () => {
    await start()
    voice.committed('u1', 'Hello.')
    await expect.poll(lines).toEqual(['Hello.'])
    await page.click('#voice-start')
    expect(await status()).toContain('Talk with this engine')
    const sent = voice.samples.length
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 300)))
    expect(voice.samples.length - sent).toBeLessThan(4800)
    expect(await page.isDisabled('#voice-interrupt')).toBe(true)
    await start()
    expect(voice.addresses).toEqual(['/api/voice', '/api/voice'])
    expect(await lines()).toEqual([])
  })

  it('fits phones, gives fingers room, and names what can be operated', async () => {
    await page.getByRole('radio', { name: 'Push to talk' }).check()
    await start()
    voice.speechStarted('u1')
    voice.speechEnded('u1', 'And so my fellow Americans ask not what your country can do for you.')
    voice.reply('a1', 'Once upon a time, there was a little girl named Lily who loved to play outside in the park.', {
      seconds: 6,
    })
    await expect.poll(() => played.secondsOf(500), { timeout: 15_000 }).toBeGreaterThan(1.5)
    if (keep !== undefined) await page.screenshot({ path: join(keep, 'voice phone.png'), fullPage: true })
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390)
    for (const name of ['Stop', 'Interrupt', 'Hold to talk'])
      expect(
        (await page.getByRole('button', { name, exact: true }).boundingBox())?.height,
        name,
      ).toBeGreaterThanOrEqual(44)
    for (const name of ['Hands-free', 'Push to talk'])
      expect(await page.getByRole('radio', { name }).count(), name).toBe(1)
    await page.getByRole('meter', { name: 'Microphone level' }).waitFor()
    voice.endReply('a1')
    await page.setViewportSize({ width: 1440, height: 900 })
    await page.locator('#voice-lines').scrollIntoViewIfNeeded()
    if (keep !== undefined) await page.screenshot({ path: join(keep, 'voice desktop.png') })
  })
})
