import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, constants, readdir, readFile, readlink, stat, statfs } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { FileStatus, Outcome, OwnProcess, RunOptions, System } from './system.ts'

const programDeadlineMs = 10_000
const askDeadlineMs = 1000
/** Health of an engine that is well, wants a token, or is not well. */
const askedStatuses = [200, 401, 503]
/** Of what a program prints; more is cut off. */
const maxPrinted = 1 << 20

/** This machine. */
export function createSystem(): System {
  return {
    own: ownProcess(),
    now: () => Date.now(),
    read: (path) => orUndefined(readFile(path, 'utf8')),
    list: (path) => orUndefined(readdir(path)),
    stat: (path) => orUndefined(readStatus(path)),
    readLink: (path) => orUndefined(readlink(path)),
    diskSpace: (path) => statfs(path),
    canWrite: (path) =>
      access(path, constants.W_OK).then(
        () => true,
        () => false,
      ),
    run,
    tryListen,
    ask,
  }
}

function ownProcess(): OwnProcess {
  return {
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    groups: process.getgroups?.() ?? [],
    nodeVersion: process.versions.node,
    abi: process.versions.modules,
    architecture: process.arch,
    platform: process.platform,
    nodePath: process.execPath,
    environment: process.env,
  }
}

/** What is absent or forbidden is no failure of a look: the checks say what it means. */
function orUndefined<T>(work: Promise<T>): Promise<T | undefined> {
  return work.catch(() => undefined)
}

async function readStatus(path: string): Promise<FileStatus> {
  const found = await stat(path)
  const device = found.isCharacterDevice() || found.isBlockDevice()
  const kind = found.isFile() ? 'file' : found.isDirectory() ? 'folder' : device ? 'device' : 'other'
  const { uid, gid, size, mtimeMs } = found
  return { kind, mode: found.mode & 0o777, uid, gid, size, changedAt: mtimeMs }
}

/** A program that hangs in a driver survives even SIGKILL: nobody waits for it after the deadline. */
function run([program, ...args]: readonly [string, ...string[]], options: RunOptions = {}): Promise<Outcome> {
  const { deadlineMs = programDeadlineMs, cwd = '/' } = options
  const env = { ...process.env, LC_ALL: 'C', HAILORT_LOGGER_PATH: 'NONE', ORT_DISABLE_TELEMETRY: '1' }
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env, cwd })
  const printed = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      if (printed[name].length < maxPrinted) printed[name] += text
    })
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      child.unref()
      child.stdout.destroy()
      child.stderr.destroy()
      resolve({ end: 'late' })
    }, deadlineMs)
    const settle = (outcome: Outcome) => {
      clearTimeout(timer)
      resolve(outcome)
    }
    child.on('error', () => settle({ end: 'missing' }))
    child.on('close', (status, signal) => settle({ end: 'exit', status, signal, ...printed }))
  })
}

async function tryListen(host: string, port: number): Promise<string | undefined> {
  const server = createServer()
  try {
    server.listen({ host, port, exclusive: true })
    await once(server, 'listening')
    server.close()
    await once(server, 'close')
    return undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown'
  }
}

async function ask(url: string): Promise<string | undefined> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(askDeadlineMs), redirect: 'error' })
    return askedStatuses.includes(answer.status) ? await answer.text() : undefined
  } catch {
    // Nobody there, or no HTTP: another program holds the port.
    return undefined
  }
}
