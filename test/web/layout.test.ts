import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchBrowser } from '../support/browser.ts'
import { FakeHub } from '../support/fake-hub.ts'
import { buildPage, numbered, numberedJpeg } from '../support/page.ts'

/** `HAILSTREAM_SCREENSHOTS` names a folder where the pictures stay, to be looked at. */
const keep = process.env.HAILSTREAM_SCREENSHOTS

let folder: string
let shots: string
let browser: Browser
let hub: FakeHub
let clock: NodeJS.Timeout

beforeAll(async () => {
  ;[folder, browser, shots] = await Promise.all([
    buildPage(),
    launchBrowser(),
    keep === undefined ? mkdtemp(join(tmpdir(), 'hailstream-shots-')) : keep,
  ])
  hub = new FakeHub(folder, [
    { topic: 'demo/camera', kind: 'image' },
    { topic: 'demo/objects', kind: 'objects' },
  ])
  await hub.start()
  const jpeg = await numberedJpeg(5)
  let seq = 0
  clock = setInterval(() => {
    const capturedAt = Date.now()
    const frame = { stream: 'camera', width: numbered.width, height: numbered.height }
    const objects = [{ label: 'person', confidence: 0.9, bbox: [40, 100, 120, 300] }] as const
    hub.sendPicture('demo/camera', seq, jpeg, capturedAt)
    hub.sendResult('demo/objects', { seq: seq++, capturedAt, frame, objects })
  }, 100)
})
afterAll(async () => {
  clearInterval(clock)
  await browser?.close()
  await hub.stop()
  await rm(folder, { recursive: true, force: true })
  if (keep === undefined) await rm(shots, { recursive: true, force: true })
})

const screens = [
  { name: 'phone', width: 390, height: 844, deviceScaleFactor: 2, reducedMotion: 'reduce' },
  { name: 'small phone', width: 320, height: 568, deviceScaleFactor: 2, reducedMotion: 'no-preference' },
  { name: 'desktop', width: 1440, height: 900, deviceScaleFactor: 1, reducedMotion: 'no-preference' },
] as const

describe('the page', () => {
  it.each(screens)('fits a $name, keeps the shape of the picture and does not jump', async (screen) => {
    const { name, width, height, deviceScaleFactor, reducedMotion } = screen
    const page = await browser.newPage({ viewport: { width, height }, deviceScaleFactor, reducedMotion })
    const broken: string[] = []
    page.on('pageerror', (error) => broken.push(String(error)))
    page.on('console', (message) => message.type() === 'error' && broken.push(message.text()))
    await page.goto(hub.url)
    const before = await page.locator('#pipeline').boundingBox()
    await expect.poll(() => page.textContent('#rate').then(Number)).toBeGreaterThan(5)
    await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true })
    const after = await page.locator('#pipeline').boundingBox()
    expect([after?.x, after?.y]).toEqual([before?.x, before?.y])
    const canvas = await page.locator('#picture').boundingBox()
    expect((canvas?.width ?? 0) / (canvas?.height ?? 1)).toBeCloseTo(numbered.width / numbered.height, 1)
    expect(canvas?.width).toBeGreaterThan(Math.min(width, 800) * 0.8)
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width)
    expect(broken).toEqual([])
    await page.close()
  })

  it('names everything that can be operated, and gives fingers room', async () => {
    const page = await browser.newPage({ viewport: { width: 390, height: 844 } })
    await page.goto(hub.url)
    await page.waitForSelector('input[type=checkbox]')
    for (const name of ['Full screen', 'Send my camera']) await page.getByRole('button', { name }).waitFor()
    for (const name of ['Pipeline', 'Stream']) await page.getByRole('combobox', { name }).waitFor()
    await page.getByRole('switch', { name: 'objects' }).waitFor()
    await expect.poll(() => page.getByRole('img', { name: 'Live picture of demo/camera' }).count()).toBe(1)
    for (const selector of ['#camera', '#fullscreen', '#stream', '.overlay']) {
      expect((await page.locator(selector).boundingBox())?.height, selector).toBeGreaterThanOrEqual(44)
    }
    await page.close()
  })

  it('asks nothing of any other server', async () => {
    const page = await browser.newPage()
    const foreign: string[] = []
    page.on('request', (request) => {
      if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(hub.url)) foreign.push(request.url())
    })
    await page.goto(hub.url)
    await page.waitForLoadState('networkidle')
    expect(foreign).toEqual([])
    await page.close()
  })
})
