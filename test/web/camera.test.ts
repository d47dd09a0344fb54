import { rm } from 'node:fs/promises'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { launchBrowser } from '../support/browser.ts'
import { FakeHub } from '../support/fake-hub.ts'
import { buildPage } from '../support/page.ts'

let folder: string
let browser: Browser
let hub: FakeHub
let page: Page

beforeAll(async () => {
  const camera = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream']
  ;[folder, browser] = await Promise.all([buildPage(), launchBrowser(...camera)])
})
afterAll(async () => {
  await browser?.close()
  await rm(folder, { recursive: true, force: true })
})
beforeEach(async () => {
  hub = new FakeHub(folder, [
    { topic: 'demo/camera', kind: 'image' },
    { topic: 'demo/visitor', kind: 'image' },
    { topic: 'demo/visitor-objects', kind: 'objects' },
  ])
  hub.sources = ['visitor']
  await hub.start()
  page = await browser.newPage()
  await page.goto(hub.url)
})
afterEach(async () => {
  await page.close()
  await hub.stop()
})

async function published(count: number): Promise<void> {
  const target = hub.published.length + count
  await expect.poll(() => hub.published.length, { timeout: 15_000 }).toBeGreaterThanOrEqual(target)
}

const status = () => page.textContent('#camera-status')

describe('the button that sends the camera of the browser', () => {
  it('publishes JPEG pictures to the browser source and shows its topic', async () => {
    const before = Date.now()
    await page.click('#camera')
    await published(15)
    const [first] = hub.published
    expect(first).toMatchObject({ v: 1, source: 'visitor', type: 'image/jpeg', seq: 0 })
    expect(first?.capturedAt).toBeGreaterThan(before - 50)
    expect(hub.published.map(({ seq }) => seq)).toEqual(hub.published.map((_, index) => index))
    await expect.poll(() => hub.subscribed('demo/visitor')).toBe(true)
    await expect.poll(() => hub.subscribed('demo/camera')).toBe(false)
    await page.click('#camera')
    await expect.poll(() => hub.subscribed('demo/camera')).toBe(true)
    await expect.poll(() => hub.clients).toBe(1)
    expect(await page.textContent('#camera')).toBe('Send my camera')
  })

  it('never has more than two pictures unacknowledged, however slow the server', async () => {
    hub.acknowledgeAfterMs = 300
    await page.click('#camera')
    await published(10)
    expect(hub.mostUnacknowledged).toBe(2)
  })

  it('rests while the server says that nobody watches', async () => {
    await page.click('#camera')
    await published(3)
    hub.tellPublisher('pause')
    await expect.poll(status).toContain('Paused')
    const resting = hub.published.length
    // Time enough for several pictures.
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 500)))
    expect(hub.published.length).toBe(resting)
    hub.tellPublisher('resume')
    await published(3)
  })

  it('goes on after the server was away', async () => {
    await page.click('#camera')
    await published(3)
    await hub.stop()
    await hub.start()
    await published(5)
  })

  it('opens one camera, however often the button was pressed while permission was asked for', async () => {
    await page.evaluate(() => {
      const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices)
      const allowed = new Promise((resolve) => Object.assign(window, { allow: resolve }))
      navigator.mediaDevices.getUserMedia = async (wanted) => {
        await allowed
        return ask(wanted)
      }
    })
    for (let i = 0; i < 3; i++) await page.click('#camera')
    await page.evaluate(() => (window as unknown as { allow(): void }).allow())
    await published(5)
    // One socket shows the topics, the other sends.
    expect(hub.clients).toBe(2)
    await page.click('#camera')
    await expect.poll(() => hub.clients).toBe(1)
  })

  it('says that another camera is being sent already', async () => {
    await page.click('#camera')
    await published(1)
    const other = await browser.newPage()
    await other.goto(hub.url)
    await other.click('#camera')
    await expect.poll(() => other.textContent('#camera-status')).toContain('Another camera is being sent')
    expect(await other.textContent('#camera')).toBe('Send my camera')
    await other.close()
  })

  it('says that no pipeline takes a camera', async () => {
    hub.sources = []
    await page.click('#camera')
    await expect.poll(status).toContain('No pipeline here takes the camera')
  })

  it('says that the page must come over https where the browser gives no camera', async () => {
    await page.evaluate(() => Object.defineProperty(window, 'isSecureContext', { value: false }))
    await page.click('#camera')
    await expect.poll(status).toContain('https')
  })

  it('says that the camera was not allowed', async () => {
    await page.evaluate(() => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotAllowedError'))
    })
    await page.click('#camera')
    await expect.poll(status).toContain('not allowed')
    expect(hub.published).toHaveLength(0)
  })
})
