import { rm } from 'node:fs/promises'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { launchBrowser } from '../support/browser.ts'
import { FakeHub } from '../support/fake-hub.ts'
import { buildPage, numbered, numberedBoxX, numberedJpeg } from '../support/page.ts'

const camera = 'demo/camera'
const objects = 'demo/objects'
const poses = 'demo/poses'
const boxWidth = 100
const frame = { stream: 'camera', width: numbered.width, height: numbered.height }

/** What one drawn picture showed: by the page's own account, and read off the canvas. */
interface Seen {
  readonly seq: number
  readonly match: string
  readonly objects: number
  readonly pixelSeq: number
  /** Left edge of the first box in picture pixels; -1 without one. */
  readonly pixelX: number
}

declare global {
  interface Window {
    readonly hailstream: { readonly lastDrawn?: { seq: number; match: string; objects: readonly unknown[] } }
    seen: Seen[]
  }
}

let folder: string
let browser: Browser
let hub: FakeHub
let page: Page
let jpegs: Buffer[]
let feed: Feed

/** A camera of 20 pictures a second; results come late, and some of both never. */
class Feed {
  seq = 0
  results = true
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #clock = setInterval(() => this.#tick(), 50)

  stop(): void {
    clearInterval(this.#clock)
    for (const timer of this.#timers) clearTimeout(timer)
  }

  #tick(): void {
    const seq = this.seq++
    const capturedAt = Date.now()
    if (seq % 7 === 3) hub.skip(camera)
    else hub.sendPicture(camera, seq, jpegs[seq % jpegs.length] as Buffer, capturedAt)
    if (!this.results) return
    if (seq % 5 !== 1) this.#later(200, () => hub.sendResult(objects, resultOf(seq, capturedAt)))
    if (seq % 9 !== 2)
      this.#later(140 + (seq % 4) * 20, () => hub.sendResult(poses, { ...resultOf(seq, capturedAt), objects: [] }))
  }

  #later(ms: number, send: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      send()
    }, ms)
    this.#timers.add(timer)
  }
}

function resultOf(seq: number, capturedAt: number) {
  const bbox = [numberedBoxX(seq), 200, boxWidth, 200] as const
  return {
    seq,
    capturedAt,
    frame,
    model: 'fake',
    backend: 'onnx',
    objects: [{ label: 'person', confidence: 0.9, bbox }],
  }
}

/** Runs in the page: after each drawn picture, reads its number and its box off the canvas. */
function watchCanvas({ bits, block, grey, width }: typeof numbered): void {
  window.seen = []
  const canvas = document.getElementById('picture') as HTMLCanvasElement
  const look = () => {
    requestAnimationFrame(look)
    const drawn = window.hailstream.lastDrawn
    if (drawn === undefined || drawn.seq === window.seen.at(-1)?.seq) return
    const scale = canvas.width / width
    const context = canvas.getContext('2d') as CanvasRenderingContext2D
    let pixelSeq = 0
    for (let bit = 0; bit < bits; bit++) {
      const [light = 0] = context.getImageData((bit + 0.5) * block * scale, 0.5 * block * scale, 1, 1).data
      if (light > 127) pixelSeq |= 1 << bit
    }
    const row = context.getImageData(0, 300 * scale, canvas.width, 1).data
    const edge = Array.from({ length: canvas.width }, (_, x) => x).find((x) => Math.abs((row[x * 4] ?? 0) - grey) > 40)
    const pixelX = edge === undefined ? -1 : edge / scale
    window.seen.push({ seq: drawn.seq, match: drawn.match, objects: drawn.objects.length, pixelSeq, pixelX })
  }
  look()
}

async function seen(): Promise<Seen[]> {
  return page.evaluate(() => window.seen)
}

/** Waits until what was seen suffices; vitest's deadline for the test ends a wait in vain. */
async function seeUntil(enough: (all: Seen[]) => boolean): Promise<Seen[]> {
  return expect.poll(seen, { timeout: 20_000 }).toSatisfy(enough).then(seen)
}

/** Pictures whose number or box on the canvas is not what the page says, or whose box is another picture's. */
function mismatches(all: readonly Seen[]): Seen[] {
  return all.filter(({ seq, match, pixelSeq, pixelX, objects: count }) => {
    const boxed = match !== 'none' && count > 0
    return pixelSeq !== seq % 1024 || (boxed ? Math.abs(pixelX - numberedBoxX(seq)) > 6 : pixelX !== -1)
  })
}

async function open(hash = ''): Promise<void> {
  await page.goto(`${hub.url}${hash}`)
  await page.evaluate(watchCanvas, numbered)
}

beforeAll(async () => {
  jpegs = await Promise.all(Array.from({ length: 1024 }, (_, seq) => numberedJpeg(seq)))
  ;[folder, browser] = await Promise.all([buildPage(), launchBrowser()])
})
afterAll(async () => {
  await browser?.close()
  await rm(folder, { recursive: true, force: true })
})
beforeEach(async () => {
  hub = new FakeHub(folder, [
    { topic: camera, kind: 'image' },
    { topic: objects, kind: 'objects' },
    { topic: poses, kind: 'objects' },
  ])
  await hub.start()
  feed = new Feed()
  page = await browser.newPage({ viewport: { width: 1000, height: 800 } })
})
afterEach(async () => {
  feed.stop()
  await page.close()
  await hub.stop()
})

describe('the page in Chromium', () => {
  it('draws boxes on their own picture only, though results are late and some of both are lost', async () => {
    await open()
    const all = await seeUntil((so) => so.filter(({ objects: count }) => count > 0).length >= 60)
    expect(mismatches(all)).toEqual([])
    expect(all.slice(-30).every(({ match }) => match === 'all')).toBe(true)
    expect(await page.textContent('#connection')).toBe('Live')
  })

  it('shows frame rate, latency and drops', async () => {
    await open()
    await seeUntil((so) => so.length >= 60)
    const [rate, latency, missed] = await Promise.all(
      ['#rate', '#latency', '#missed'].map((id) => page.textContent(id).then(Number)),
    )
    expect(rate).toBeGreaterThan(5)
    expect(latency).toBeGreaterThan(100)
    expect(latency).toBeLessThan(1000)
    expect(missed).toBeGreaterThan(0)
  })

  it('goes on with plain pictures and says so when the results stop, and draws boxes again when they are back', async () => {
    await open()
    await seeUntil((so) => so.some(({ match }) => match === 'all'))
    feed.results = false
    const stopped = feed.seq
    await seeUntil((so) => so.filter(({ match, seq }) => match === 'none' && seq > stopped + 20).length >= 20)
    await expect.poll(() => page.isVisible('#mark')).toBe(true)
    expect(await page.textContent('#mark')).toBe('No results')
    feed.results = true
    const back = feed.seq
    const all = await seeUntil((so) => so.filter(({ match, seq }) => match === 'all' && seq > back).length >= 5)
    expect(mismatches(all)).toEqual([])
    await expect.poll(() => page.isVisible('#mark')).toBe(false)
  })

  it('comes back by itself when the server was away, and counts anew for a new start of the engine', async () => {
    await open()
    await seeUntil((so) => so.length >= 20)
    await hub.stop()
    await expect.poll(() => page.textContent('#connection')).not.toBe('Live')
    await expect.poll(() => page.isVisible('#notice'), { timeout: 6000 }).toBe(true)
    expect(await page.textContent('#notice-text')).toContain('connection is lost')
    expect(await page.isVisible('#token-form')).toBe(false)
    hub.epoch = 'second'
    feed.seq = 0
    // The last picture stands there still, and would be seen once more.
    await page.evaluate(() => {
      window.seen = window.seen.slice(-1)
    })
    await hub.start()
    const [, ...all] = await seeUntil((so) => so.slice(1).filter(({ match }) => match === 'all').length >= 20)
    expect(mismatches(all)).toEqual([])
    expect(Math.max(...all.map(({ seq }) => seq))).toBeLessThan(feed.seq)
    expect(await page.textContent('#connection')).toBe('Live')
  })

  it('leaves a connection that died without a word', async () => {
    await open()
    await seeUntil((so) => so.length >= 10)
    hub.mute = true
    await expect.poll(() => hub.clients, { timeout: 12_000 }).toBe(0)
    hub.mute = false
    const before = (await seen()).length
    await seeUntil((so) => so.length >= before + 10)
  })

  it('remembers switched-off overlays in the address and leaves their topics', async () => {
    await open()
    await seeUntil((so) => so.some(({ match }) => match === 'all'))
    await page.uncheck(`input[name="${objects}"]`)
    await expect.poll(() => hub.subscribed(objects)).toBe(false)
    expect(new URL(page.url()).hash).toBe(`#picture=${camera}&off=${objects}`)
    await page.reload()
    await page.evaluate(watchCanvas, numbered)
    const all = await seeUntil((so) => so.length >= 20)
    expect(all.every(({ pixelX }) => pixelX === -1)).toBe(true)
    expect(await page.isChecked(`input[name="${objects}"]`)).toBe(false)
  })

  it('acknowledges every message that it was sent', async () => {
    await open()
    await seeUntil((so) => so.length >= 60)
    for (const topic of [camera, objects, poses]) expect(hub.acknowledged.get(topic)).toBeGreaterThan(50)
  })

  it('keeps a token as a cookie and takes it out of the address', async () => {
    await page.goto(`${hub.url}?token=secret-7&x=1#off=${poses}`)
    await expect.poll(() => new URL(page.url()).search).toBe('?x=1')
    const cookies = await page.context().cookies()
    expect(cookies).toMatchObject([{ name: 'hailstream_token', value: 'secret-7', sameSite: 'Strict' }])
  })
})
