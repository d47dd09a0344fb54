import { mkdtempSync, rmSync } from 'node:fs'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startApp } from '../support/app.ts'
import { launchBrowser } from '../support/browser.ts'

/** An address of this machine that is not loopback; a machine without a network has none. */
const ownAddress = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address

let state: string
let before: string | undefined
let browser: Browser
beforeAll(async () => {
  state = mkdtempSync(join(tmpdir(), 'hailstream-secure-'))
  before = process.env.HAILSTREAM_STATE
  process.env.HAILSTREAM_STATE = state
  browser = await launchBrowser('--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream')
})
afterAll(async () => {
  await browser?.close()
  if (before === undefined) delete process.env.HAILSTREAM_STATE
  else process.env.HAILSTREAM_STATE = before
  rmSync(state, { recursive: true, force: true })
})

describe('the page from another machine', () => {
  // A machine without any network has only loopback, from where the browser gives its microphone anyway.
  it('has no microphone, shows the way to https, and has one there; then it says what the engine lacks', {
    timeout: 120_000,
  }, async () => {
    if (ownAddress === undefined) return
    const settings = { 'listen.host': '0.0.0.0', 'listen.access': 'open' }
    await using engine = await startApp({ ...settings, 'listen.tls': { selfSigned: true, port: 0 } })
    const context = await browser.newContext({ ignoreHTTPSErrors: true })
    const page = await context.newPage()
    const status = () => page.textContent('#voice-status')
    await page.goto(`http://${ownAddress}:${new URL(engine.url).port}/`)
    await page.click('#voice-start')
    await expect.poll(status, { timeout: 20_000 }).toContain('This engine speaks https too')
    await page.click('#voice-secure')
    await page.waitForURL(`https://${ownAddress}:${new URL(engine.secureUrl ?? '').port}/**`)
    expect(await page.evaluate(() => window.isSecureContext)).toBe(true)
    await page.click('#voice-start')
    await expect.poll(status, { timeout: 60_000 }).toMatch(/models pull/)
    expect(await page.textContent('#voice-start')).toBe('Start talking')
    await context.close()
  })
})
