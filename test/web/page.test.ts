import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { projectRoot } from '../../engine/root.ts'
import { startApp } from '../support/app.ts'
import { launchBrowser } from '../support/browser.ts'
import { readCounter } from '../support/counter.ts'
import { hasTestData, testData } from '../support/data.ts'

const state = process.env.HAILSTREAM_STATE ?? join(projectRoot, '.state')
/** The demo's clip where set-up has fetched it; else the clip of the test data. */
const clip = [join(state, 'media/vtest.avi'), testData('media/one-by-one-person-detection.mp4')].find((file) =>
  existsSync(file),
)

const objects = { from: 'camera', node: 'detect' }
const publish = ['camera', 'objects']
const clipPipeline = {
  name: 'demo',
  streams: {
    camera: { source: 'file', path: clip },
    objects,
    poses: { from: { image: 'camera', objects: 'objects' }, node: 'pose', wait: 8 },
  },
  publish: [...publish, 'poses'],
}
const counterWidth = 640
const counterPipeline = {
  name: 'counted',
  streams: {
    camera: { source: 'test', pattern: 'counter', rate: 15, size: `${counterWidth}x480` },
    objects,
  },
  publish,
}
const visitorPipeline = {
  name: 'demo',
  streams: { visitor: { source: 'browser' }, 'visitor-objects': { from: 'visitor', node: 'detect' } },
  publish: ['visitor', 'visitor-objects'],
}

interface Drawn {
  readonly seq: number
  readonly match: string
  readonly objects: readonly { readonly label: string; readonly keypoints?: readonly unknown[] }[]
}
/** The luma of a row of the canvas, for each picture drawn. */
interface Row {
  readonly seq: number
  readonly match: string
  readonly luma: readonly number[]
}
type Watched = Window & { readonly hailstream: { readonly lastDrawn?: Drawn }; rows: Row[] }

let browser: Browser
let folder: string

/** A film of one picture, as a camera that Chromium can play: JPEG pictures one after another. */
async function writeFakeCamera(file: string): Promise<void> {
  const picture = sharp(testData('media/bus.jpg')).resize(640, 480, { fit: 'contain' }).jpeg({ quality: 90 })
  const jpeg = await picture.toBuffer()
  await writeFile(file, Buffer.concat(Array.from({ length: 20 }, () => jpeg)))
}

/** Runs in the page: keeps the counter's row of each picture on the canvas. */
function watchRows(): void {
  const watched = window as unknown as Watched
  watched.rows = []
  const canvas = document.getElementById('picture') as HTMLCanvasElement
  const look = () => {
    requestAnimationFrame(look)
    const drawn = watched.hailstream.lastDrawn
    if (drawn === undefined || drawn.seq === watched.rows.at(-1)?.seq) return
    const y = Math.floor((8 * canvas.width) / 640)
    const pixels = canvas.getContext('2d')?.getImageData(0, y, canvas.width, 1).data ?? []
    const luma = Array.from({ length: canvas.width }, (_, x) => pixels[x * 4 + 1] ?? 0)
    watched.rows.push({ seq: drawn.seq, match: drawn.match, luma })
  }
  look()
}

function lastDrawn(page: Page): Promise<Drawn | undefined> {
  return page.evaluate(() => (window as unknown as Watched).hailstream.lastDrawn)
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hailstream-camera-'))
  const camera = join(folder, 'camera.mjpeg')
  if (hasTestData) await writeFakeCamera(camera)
  browser = await launchBrowser(
    '--use-fake-device-for-media-stream',
    '--use-fake-ui-for-media-stream',
    `--use-file-for-fake-video-capture=${camera}`,
  )
})
afterAll(async () => {
  await browser?.close()
  await rm(folder, { recursive: true, force: true })
})

describe('the page on a real engine', () => {
  it.skipIf(clip === undefined)(
    'shows boxes and skeletons on the people of the clip',
    async () => {
      await using app = await startApp({ pipelines: [clipPipeline] })
      const page = await browser.newPage()
      await page.goto(app.url)
      const people = async () => (await lastDrawn(page))?.objects.filter(({ label }) => label === 'person') ?? []
      await expect.poll(async () => (await people()).length, { timeout: 25_000 }).toBeGreaterThan(0)
      await expect
        .poll(async () => (await people()).some(({ keypoints }) => keypoints?.length === 17), { timeout: 25_000 })
        .toBe(true)
      await page.close()
    },
    60_000,
  )

  it('draws each result on the picture that it was computed on', async () => {
    await using app = await startApp({ pipelines: [counterPipeline] })
    const page = await browser.newPage({ viewport: { width: 900, height: 900 } })
    await page.goto(app.url)
    await page.evaluate(watchRows)
    const matched = () =>
      page.evaluate(() => (window as unknown as Watched).rows.filter(({ match }) => match === 'all').length)
    await expect.poll(matched, { timeout: 40_000 }).toBeGreaterThanOrEqual(50)
    const rows = await page.evaluate(() => (window as unknown as Watched).rows)
    const wrong = rows.filter(({ seq, luma }) => readCounter((x) => luma[x] ?? 0, luma.length, counterWidth) !== seq)
    expect(wrong.map(({ seq }) => seq)).toEqual([])
    await page.close()
  }, 60_000)

  it.skipIf(!hasTestData)(
    'finds the people in front of the camera of the browser',
    async () => {
      await using app = await startApp({ pipelines: [visitorPipeline] })
      const page = await browser.newPage()
      await page.goto(app.url)
      await page.click('#camera')
      const labels = async () => (await lastDrawn(page))?.objects.map(({ label }) => label) ?? []
      await expect.poll(labels, { timeout: 25_000 }).toContain('person')
      expect(await page.textContent('#camera-status')).toContain('Sending')
      await page.close()
    },
    60_000,
  )
})
