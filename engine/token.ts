import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Config } from './config.ts'
import { EngineError, messageOf } from './errors.ts'
import type { Logger } from './log.ts'
import type { AccessRules } from './server/access.ts'

const tokenBytes = 24

/**
 * Who may connect. The token comes from HAILSTREAM_TOKEN or the token file; an engine that listens beyond loopback
 * without either makes one, keeps it in `<state>/token` for its owner alone, and logs where. Throws `invalid` for an empty or unreadable file,
 * `unavailable` when the disk takes none.
 */
export function accessRules(config: Config, log: Logger): AccessRules {
  const { access, origins, host, tokenFile } = config.listen
  const rules = { access, origins }
  if (config.token !== null) return { ...rules, token: config.token }
  if (tokenFile !== null) return { ...rules, token: readToken(tokenFile) }
  if (access === 'open' || isLoopback(host)) return { ...rules, token: null }
  return { ...rules, token: keepToken(join(config.state, 'token'), log) }
}

function keepToken(file: string, log: Logger): string {
  if (!existsSync(file)) makeToken(file)
  log.info({ file }, 'other machines must show the token in this file')
  return readToken(file)
}

/** As a whole or not at all: an empty file that a full disk has left would keep the engine from ever starting again. */
function makeToken(file: string): void {
  const partial = `${file}.partial`
  try {
    mkdirSync(dirname(file), { recursive: true })
    const token = `${randomBytes(tokenBytes).toString('base64url')}\n`
    writeFileSync(partial, token, { mode: 0o600, flush: true })
    renameSync(partial, file)
  } catch (error) {
    rmSync(partial, { force: true })
    const message = `Expected to write a token to ${file}: ${messageOf(error)}. Make room there, or set HAILSTREAM_TOKEN`
    throw new EngineError('unavailable', message, { cause: error })
  }
}

function readToken(file: string): string {
  let token: string
  try {
    token = readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw new EngineError('invalid', `Expected a token file at ${file}: ${messageOf(error)}`, { cause: error })
  }
  if (token === '') throw new EngineError('invalid', `Expected a token in ${file}, found an empty file`)
  return token
}

/** Whether only this machine can reach an address to listen on. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}
