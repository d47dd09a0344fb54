#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { App } from './app.ts'
import { type CommandLine, parseCommandLine, usage } from './command-line.ts'
import { type Config, keysWithoutEffect, loadConfig } from './config.ts'
import { serviceEnvironment } from './doctor/service-environment.ts'
import { EngineError } from './errors.ts'
import { createLog, type Logger } from './log.ts'
import { addon } from './native/addon.ts'
import { projectRoot } from './root.ts'
import { Service } from './service.ts'

/** Time for an orderly stop; what is left then ends with the process. systemd's TimeoutStopSec is longer. */
const stopDeadlineMs = 9000

/** By cause: a mistake in options, variables or the configuration file; a port that is taken; an interrupt, as shells count it. */
const exitStatuses: Readonly<Partial<Record<EngineError['code'], number>>> = { invalid: 2, conflict: 3, cancelled: 130 }

const version = (JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { version: string }).version

try {
  await main()
} catch (error) {
  if (!(error instanceof EngineError)) throw error
  console.error(`hailstream: ${error.message}`)
  process.exit(exitStatuses[error.code] ?? 1)
}

async function main(): Promise<void> {
  const line = parseCommandLine(process.argv.slice(2))
  if (line.command === 'help') return void process.stdout.write(usage)
  if (line.command === 'version') return void process.stdout.write(`${version}\n`)
  const environment = line.command === 'doctor' ? { ...serviceEnvironment(), ...process.env } : process.env
  const config = loadConfig(line, environment)
  if (line.command === 'doctor') return examine(config, line.json)
  if (line.command === 'models') return runModels(line, config)
  const log = createLog(config.log.level)
  // Node's own warnings go there: a reader that is gone must not end the engine.
  process.stderr.on('error', () => undefined)
  const keys = keysWithoutEffect(config)
  if (keys.length > 0) log.warn({ keys }, 'these keys of the configuration have no effect in this version')
  // Not before it is needed: its native parts may be what the doctor has to tell of.
  const { createApp } = await import('./app.ts')
  const app = await createApp(config, version, log)
  log.info({ url: app.url, ...(app.secureUrl && { secureUrl: app.secureUrl }) }, 'listening')
  stopOnSignal(app, superviseBy(app, log), log)
}

async function examine(config: Config, json: boolean): Promise<void> {
  const { runDoctorCommand } = await import('./doctor-command.ts')
  const look = process.stdout.isTTY && !process.env.NO_COLOR ? 'coloured' : 'plain'
  const { text, status } = await runDoctorCommand(config, { json, look, version })
  // A check that hangs in the kernel would keep the process.
  process.stdout.write(text, () => process.exit(status))
}

/** Ctrl-C ends it once what came is on the disk; a second one ends it at once. */
async function runModels(line: CommandLine, config: Config): Promise<void> {
  const { runModelsCommand } = await import('./models-command.ts')
  const interrupt = new AbortController()
  process.once('SIGINT', () => interrupt.abort())
  process.once('SIGTERM', () => interrupt.abort())
  const { stdout } = process
  const terminal = stdout.isTTY
    ? { columns: stdout.columns, write: (text: string) => void stdout.write(text) }
    : undefined
  const output = { print: (text: string) => console.log(text), terminal }
  const isWell = await runModelsCommand(line, config, output, interrupt.signal)
  process.exitCode = isWell ? 0 : 1
}

function superviseBy({ health }: App, log: Logger): Service {
  const notify = (state: string) => addon().notify(state)
  return new Service({ notify, environment: process.env, pid: process.pid, health, log })
}

function stopOnSignal(app: AsyncDisposable, service: Service, log: Logger): void {
  let stopping = false
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) return
    stopping = true
    log.info({ signal }, 'stopping')
    service.stopping()
    setTimeout(() => {
      log.error({ afterMs: stopDeadlineMs }, 'not everything stopped in time')
      process.exit(1)
    }, stopDeadlineMs).unref()
    void app[Symbol.asyncDispose]().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ error: String(error) }, 'the stop failed')
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}
