import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type App, createApp, type GivenParts } from '../../engine/app.ts'
import { parseCommandLine } from '../../engine/command-line.ts'
import { loadConfig } from '../../engine/config.ts'
import { createLog } from '../../engine/log.ts'

/** Of each stage: a benchmark measures also what takes too long for a visitor. */
const deadlineMs = 400_000
const deadlines = {
  recogniser: deadlineMs,
  language: deadlineMs,
  synthesiser: deadlineMs,
  tool: deadlineMs,
  player: deadlineMs,
}

/** An engine in this process, with a state folder of its own and stages that may take minutes. */
export interface TalkingEngine extends AsyncDisposable {
  readonly app: App
  /** `ws://…`, without a path. */
  readonly socketUrl: string
}

/** Starts one on a free port of loopback. `settings` are those of `--set`. */
export async function startTalking(
  settings: Readonly<Record<string, unknown>>,
  given: GivenParts = {},
): Promise<TalkingEngine> {
  const state = mkdtempSync(join(tmpdir(), 'hailstream-talking-'))
  const set = Object.entries({ pipelines: [], ...settings }).flatMap(([path, value]) => [
    '--set',
    `${path}=${JSON.stringify(value)}`,
  ])
  const line = parseCommandLine(['start', '--port', '0', '--log-level', 'warn', ...set])
  const config = loadConfig(line, { ...process.env, HAILSTREAM_STATE: state })
  const app = await createApp(config, '0.0.0-bench', createLog(config.log.level), {
    ...given,
    voice: { deadlines, ...given.voice },
  })
  return {
    app,
    socketUrl: app.url.replace('http', 'ws'),
    [Symbol.asyncDispose]: async () => {
      await app[Symbol.asyncDispose]()
      rmSync(state, { recursive: true, force: true })
    },
  }
}
