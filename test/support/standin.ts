import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { HailoSupport } from '../../engine/inference/hailo-support.ts'
import { addonFile } from '../../engine/native/addon.ts'

/** Build folder of the stand-in for libhailort, as the addon was linked with it. */
function standinFolder(): string {
  const cache = join(dirname(dirname(addonFile('standin'))), 'CMakeCache.txt')
  const folder = readFileSync(cache, 'utf8').match(/^HAILSTREAM_STANDIN_DIR:\w+=(.+)$/m)?.[1]
  if (folder === undefined) throw new Error(`Expected HAILSTREAM_STANDIN_DIR in ${cache}, found none. Run: npm test`)
  return folder
}

export function standinIsBuilt(): boolean {
  return existsSync(addonFile('standin'))
}

/** Settles once it has said that it listens. */
function whenReady(device: ChildProcess): Promise<void> {
  return new Promise((ready, fail) => {
    device.stdout?.once('data', () => ready())
    device.once('exit', (code) => fail(new Error(`Expected the stand-in's device to start, it ended with ${code}`)))
  })
}

/** How a program begins that runs in a process with a device of its own: `addon`, `hef(name)`, and `give(result)`, once. */
const opening = `
  const { execFileSync } = require('node:child_process')
  const [file, tools, folder] = process.argv.slice(1)
  const addon = require(file)
  const hef = (name) => {
    const path = folder + '/' + name + '.hef'
    execFileSync(tools + '/hailort-standin-hef', [name, path])
    return path
  }
  const give = (result) => require('node:fs').writeFileSync(folder + '/result.json', JSON.stringify(result))
`

/**
 * Runs a program against a simulated device in a process of its own, as a host would: the library can end or hang the one
 * that it is in. Gives what the program gave; throws when the process fails or does not end within 60 s.
 */
export async function runWithStandin(program: string): Promise<Record<string, unknown>> {
  const folder = mkdtempSync(join(tmpdir(), 'standin-'))
  const tools = standinFolder()
  const socket = join(folder, 'socket')
  const device = spawn(
    join(tools, 'hailort-standin-device'),
    ['--socket', socket, '--speed', '100', '--token-speed', '20', '--die-with-parent'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  try {
    await whenReady(device)
    const source = `${opening}\n;(async () => {${program}\n})()`
    execFileSync(process.execPath, ['-e', source, addonFile('standin'), tools, folder], {
      env: { ...process.env, HAILORT_STANDIN_SOCKET: socket, HAILORT_LOGGER_PATH: 'NONE' },
      timeout: 60_000,
      killSignal: 'SIGKILL',
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    return JSON.parse(readFileSync(join(folder, 'result.json'), 'utf8')) as Record<string, unknown>
  } finally {
    device.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A simulated device in a process of its own, with the HEFs of all its networks. Whoever started it disposes it. */
export interface Standin extends AsyncDisposable {
  /** Holds `<network>.hef`. */
  readonly folder: string
  readonly support: HailoSupport
  /** Sends a command (see addon/test/hailort/README.md) and gives the device's answer; throws what it refuses. */
  control(command: string, options?: Record<string, unknown>): Record<string, unknown>
  /** Ends the process; resolves when it is gone. */
  end(): Promise<void>
  /** Starts it again at the same place. */
  start(): Promise<void>
}

/** `speed` divides load times, `tokenSpeed` the times of tokens. */
export async function startStandin(options: { speed?: number; tokenSpeed?: number } = {}): Promise<Standin> {
  const { speed = 200, tokenSpeed = 20 } = options
  const folder = mkdtempSync(join(tmpdir(), 'standin-'))
  const tools = standinFolder()
  const socket = join(folder, 'socket')
  const args = ['--socket', socket, '--speed', String(speed), '--token-speed', String(tokenSpeed), '--die-with-parent']
  let device: ChildProcess | undefined
  execFileSync(join(tools, 'hailort-standin-hef'), ['--all', folder])
  const start = async () => {
    rmSync(socket, { force: true })
    device = spawn(join(tools, 'hailort-standin-device'), args, { stdio: ['ignore', 'pipe', 'inherit'] })
    await whenReady(device)
  }
  const end = async () => {
    if (!device || device.exitCode !== null || device.signalCode !== null) return
    const exited = new Promise((resolve) => device?.once('exit', resolve))
    device.kill('SIGKILL')
    await exited
  }
  await start()
  return {
    folder,
    support: {
      variant: 'standin',
      env: { HAILORT_STANDIN_SOCKET: socket },
      group: 'SHARED',
      simulated: true,
    },
    control: (command, more = {}) => {
      const message = JSON.stringify({ control: command, ...more })
      const answer = execFileSync(join(tools, 'hailort-standin-control'), [message], {
        env: { ...process.env, HAILORT_STANDIN_SOCKET: socket },
        encoding: 'utf8',
        timeout: 10_000,
      })
      return JSON.parse(answer) as Record<string, unknown>
    },
    end,
    start,
    [Symbol.asyncDispose]: async () => {
      await end()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
