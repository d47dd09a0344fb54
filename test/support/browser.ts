import { type Browser, chromium } from 'playwright-core'

/** Where Debian puts it; `HAILSTREAM_CHROMIUM` names another. */
const executablePath = process.env.HAILSTREAM_CHROMIUM ?? '/usr/bin/chromium'

/** What it needs as root and without a network, and what it shall not do behind our back. */
const quietly = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Starts Chromium without a window. The caller closes it. */
export function launchBrowser(...args: string[]): Promise<Browser> {
  return chromium.launch({ executablePath, headless: true, args: [...quietly, ...args] })
}
