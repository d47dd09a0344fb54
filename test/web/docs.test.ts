import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startApp, type TestApp } from '../support/app.ts'
import { launchBrowser } from '../support/browser.ts'

const run = promisify(execFile)

/** `HAILSTREAM_SCREENSHOTS` names a folder where a picture stays, to be looked at. */
const keep = process.env.HAILSTREAM_SCREENSHOTS

const pipelines = [
  { name: 'entrance', streams: { camera: { source: 'test', size: '320x240', rate: 5 } }, publish: ['camera'] },
]
let engine: TestApp
let browser: Browser
beforeAll(async () => {
  ;[engine, browser] = await Promise.all([startApp({ pipelines }), launchBrowser()])
}, 60_000)
afterAll(async () => {
  await browser?.close()
  await engine?.[Symbol.asyncDispose]()
})

/** Opens the page on a phone; what it asks of any machine but the engine is kept, and fails. */
async function open(path: string): Promise<{ page: Page; broken: string[] }> {
  const page = await browser.newPage({ viewport: { width: 360, height: 740 } })
  const broken: string[] = []
  page.on('pageerror', (error) => broken.push(String(error)))
  page.on('console', (message) => message.type() === 'error' && broken.push(message.text()))
  await page.route('**/*', (route) => {
    const url = route.request().url()
    if (url.startsWith(engine.url) || url.startsWith('data:')) return route.continue()
    broken.push(url)
    return route.abort()
  })
  await page.goto(`${engine.url}${path}`)
  await page.waitForSelector('.operation', { state: 'attached' })
  return { page, broken }
}

describe('/docs', () => {
  it.each(['/docs', '/docs/'])(
    'shows at %s every route and topic, from this engine alone',
    async (path) => {
      const { page, broken } = await open(path)
      const { paths } = (await (await fetch(`${engine.url}/openapi.json`)).json()) as { paths: Record<string, object> }
      const told = Object.values(paths).flatMap((methods) => Object.keys(methods)).length
      const shown = await page
        .locator('.operation')
        .evaluateAll((all) => all.map(({ textContent }) => textContent ?? ''))
      expect(shown.filter((text) => !text.startsWith('WS'))).toHaveLength(told)
      expect(shown.some((text) => text.startsWith('WS/ws/entrance/camera'))).toBe(true)
      expect(broken).toEqual([])
      await page.close()
    },
    60_000,
  )

  it('opens an operation by the keyboard, without growing wider than a phone', async () => {
    const { page, broken } = await open('/docs')
    const details = page.locator('#post_api_chat')
    await details.locator('> summary').focus()
    await page.keyboard.press('Enter')
    const inside = details.locator('.inside')
    await inside.waitFor()
    expect(await inside.textContent()).toMatch(/messages.*keep_alive/s)
    await inside.locator('details').evaluateAll((all) => {
      for (const one of all) (one as HTMLDetailsElement).open = true
    })
    const width = await page.evaluate(() => document.documentElement.scrollWidth)
    expect(width).toBeLessThanOrEqual(360)
    if (keep !== undefined) await page.screenshot({ path: `${keep}/docs.png` })
    expect(broken).toEqual([])
    await page.close()
  }, 60_000)

  it('opens what the address names, gives a command that works as it stands, and finds by words', async () => {
    const { page } = await open('/docs#post_api_unload')
    const curl = page.locator('#post_api_unload .curl')
    expect(await curl.isVisible()).toBe(true)
    const { stdout } = await run('sh', ['-c', `${await curl.textContent()} --silent`])
    expect(JSON.parse(stdout)).toMatchObject({ model: 'yolov8n', unloaded: false })
    await page.fill('#filter', 'pull')
    const visible = await page.locator('.operation:visible').evaluateAll((all) => all.map(({ id }) => id))
    expect(visible).toContain('post_api_pull')
    expect(visible).not.toContain('post_api_unload')
    await page.close()
  }, 60_000)
})
