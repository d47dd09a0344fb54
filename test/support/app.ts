import { expect } from 'vitest'
import { type App, createApp, type GivenParts } from '../../engine/app.ts'
import { parseCommandLine } from '../../engine/command-line.ts'
import { loadConfig } from '../../engine/config.ts'
import { createLog } from '../../engine/log.ts'

export interface TestApp extends AsyncDisposable {
  readonly url: string
  /** `ws://…`, without a path. */
  readonly socketUrl: string
  /** Where it speaks TLS, if it was told to. */
  readonly secureUrl: string | undefined
  readonly app: App
}

/**
 * A real engine on a free port of loopback. `settings` are those of `--set`; pipelines may be written inline. Its end fails
 * the test when an image is held, lent or leaked.
 */
export async function startApp(
  settings: Readonly<Record<string, unknown>> = {},
  given: GivenParts = {},
): Promise<TestApp> {
  const set = Object.entries({ pipelines: [], ...settings }).flatMap(([path, value]) => [
    '--set',
    `${path}=${JSON.stringify(value)}`,
  ])
  const { HAILSTREAM_MODELS_MIRROR: _, ...environment } = process.env
  const line = parseCommandLine(['start', '--port', '0', '--log-level', 'warn', ...set])
  const config = loadConfig(line, environment)
  const app = await createApp(config, '0.0.0-test', createLog(config.log.level), given)
  return {
    url: app.url,
    socketUrl: app.url.replace('http', 'ws'),
    secureUrl: app.secureUrl,
    app,
    [Symbol.asyncDispose]: async () => {
      await app[Symbol.asyncDispose]()
      const { free, slots, held, lent, leaked } = app.pool.ledger.stats()
      expect({ free, held, lent, leaked }).toEqual({ free: slots, held: 0, lent: 0, leaked: 0 })
    },
  }
}
