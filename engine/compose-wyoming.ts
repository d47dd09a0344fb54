import type { ComposedAssistant } from './compose-assistant.ts'
import type { Config } from './config.ts'
import type { ClosingStack } from './core/lifecycle.ts'
import { EngineError } from './errors.ts'
import type { Logger } from './log.ts'
import type { Problems } from './problems.ts'
import { Conversations } from './wyoming/conversations.ts'
import { InfoReader } from './wyoming/info.ts'
import { WyomingServer } from './wyoming/wyoming-server.ts'

/** What Home Assistant's port is opened with. */
export interface WyomingSurroundings {
  readonly config: Pick<Config, 'wyoming'>
  readonly assistant: Pick<ComposedAssistant, 'speech' | 'language' | 'tools' | 'settings'>
  readonly version: string
  readonly problems: Problems
  readonly log: Logger
  readonly closing: ClosingStack
}

/** Listens for Home Assistant where the configuration says so. A port that is taken is a problem in log and health, and no failure: then undefined. */
export async function openWyoming(around: WyomingSurroundings): Promise<WyomingServer | undefined> {
  const { config, assistant, version, problems, closing } = around
  if (config.wyoming === null) return undefined
  const { host, port } = config.wyoming
  const log = around.log.child({ part: 'wyoming' })
  const { speech, language, tools, settings } = assistant
  const { instructions, model, voice } = settings
  const handling = { language, model, instructions, tools, conversations: new Conversations() }
  const info = new InfoReader({ speech, language, version })
  const server = await tryListen({ host, port, speech, voice, handling, info, log }, problems)
  if (server === undefined) return undefined
  closing.use('wyoming', server)
  log.info({ host, port: server.port }, 'answers as a Wyoming service too')
  if (!isLoopback(host)) log.warn({ host }, 'Wyoming knows no token: whoever reaches this port may use it')
  return server
}

async function tryListen(
  options: Parameters<typeof WyomingServer.listen>[0],
  problems: Problems,
): Promise<WyomingServer | undefined> {
  try {
    return await WyomingServer.listen(options)
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'conflict') throw error
    const detail = `wyoming: ${error.message}. Stop what holds it and start hailstream again, or set wyoming.port to another`
    problems.report('port', { source: 'wyoming', detail })
    return undefined
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}
