import { spawn, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, describe, expect, it } from 'vitest'
import type { Finding } from '../engine/doctor/finding.ts'
import { projectRoot } from '../engine/root.ts'
import { startBuiltEngine } from './support/built-engine.ts'

/** Every part of the program is started once, each by a process of its own. */
const timeout = 120_000
const folder = mkdtempSync(join(tmpdir(), 'hailstream-doctor-'))
afterAll(() => rmSync(folder, { recursive: true }))

interface Report {
  readonly version: string
  readonly status: string
  readonly checks: readonly Finding[]
}

/** Runs the built command. The port is one that nobody holds, unless `args` name another. */
async function doctor(args: readonly string[] = [], { root = projectRoot, state = folder } = {}) {
  const environment = { ...process.env, HAILSTREAM_STATE: state, HAILSTREAM_PORT: '0' }
  const main = join(root, 'dist/engine/main.js')
  const child = spawn(process.execPath, [main, 'doctor', ...args], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [stdout, stderr, status] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve) => child.once('exit', resolve)),
  ])
  return { stdout, stderr, status }
}

async function report(args: readonly string[] = [], where = {}): Promise<Report & { readonly exit: number | null }> {
  const { stdout, status } = await doctor(['--json', ...args], where)
  return { ...(JSON.parse(stdout) as Report), exit: status }
}

const found = ({ checks }: Report, name: string) => checks.filter(({ check }) => check === name)

describe('the command doctor', { timeout }, () => {
  it('finds no error here, and names what to install for Hailo', async () => {
    const told = await report()
    expect(told.checks.filter(({ state }) => state === 'error')).toEqual([])
    expect(told).toMatchObject({ exit: 0, version: expect.stringMatching(/^\d+\.\d+\.\d+$/) })
    for (const name of ['node', 'addon', 'onnx-runtime', 'web-sockets', 'pictures', 'gstreamer', 'pipelines', 'port'])
      expect(found(told, name)[0], name).toMatchObject({ state: 'ok' })
    if (found(told, 'hailo-device')[0]?.state === 'ok') return
    expect(found(told, 'hailo-device')).toMatchObject([
      { state: 'warning', fix: expect.stringContaining('sudo apt install dkms hailo-') },
    ])
    expect(told.status).toBe('warning')
  })

  it('prints a line per finding and a summary, without colours where no terminal reads', async () => {
    const { stdout, status } = await doctor()
    expect(status).toBe(0)
    expect(stdout).toMatch(/^ok {7}node +Node /)
    expect(stdout).toMatch(/\n\d+ ok, \d+ warnings?, 0 errors\n$/)
    expect(stdout).not.toContain('\u001b')
    for (const line of stdout.split('\n').filter((one) => /^(warning|error) /.test(one))) {
      const next = stdout.split('\n')[stdout.split('\n').indexOf(line) + 1]
      expect(next).toMatch(/^ {10,}fix: \S/)
    }
  })

  it('ends with 2 for a wrong option and a wrong setting, with 0 for help', async () => {
    expect(await doctor(['--jason'])).toMatchObject({ status: 2, stderr: expect.stringContaining('--jason') })
    expect(await doctor(['now'])).toMatchObject({ status: 2, stderr: expect.stringContaining('doctor now') })
    const wrong = await doctor(['--set', 'listen.prot=1'])
    expect(wrong).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining('prot') })
    expect(await doctor(['--help'])).toMatchObject({ status: 0, stdout: expect.stringContaining('doctor [--json]') })
  })

  it('tells of an addon that is broken, and of one that takes its process with it', async () => {
    const root = join(folder, 'broken')
    const file = join(root, 'addon/build/Release/hailstream.node')
    for (const name of ['package.json', 'pipelines', 'dist/engine', 'engine/inference/models'])
      cpSync(join(projectRoot, name), join(root, name), { recursive: true })
    symlinkSync(join(projectRoot, 'node_modules'), join(root, 'node_modules'))
    mkdirSync(join(root, 'addon/build/Release'), { recursive: true })
    writeFileSync(file, 'not a library')
    const told = await report([], { root })
    expect(told).toMatchObject({ exit: 1, status: 'error' })
    expect(found(told, 'addon')).toMatchObject([
      { state: 'error', detail: expect.stringMatching(/^The addon does not load: .*hailstream\.node/) },
    ])
    expect(found(told, 'onnx-runtime')).toMatchObject([{ state: 'ok' }])
    const crash = '__attribute__((constructor)) static void crash(void) { __builtin_trap(); }'
    spawnSync('g++', ['-x', 'c', '-shared', '-fPIC', '-o', file, '-'], { input: crash })
    expect(found(await report([], { root }), 'addon')).toMatchObject([
      { state: 'error', detail: expect.stringMatching(/^The addon crashes while it loads \(SIG\w+\)$/) },
    ])
  })

  it('tells who holds the port, and knows an engine that runs there', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as AddressInfo
    const told = await report(['--port', String(port)])
    expect(told.exit).toBe(1)
    expect(found(told, 'port')).toMatchObject([
      {
        state: 'error',
        detail: expect.stringContaining(`(process ${process.pid})`),
        fix: expect.stringContaining(`kill ${process.pid}`),
      },
    ])
    server.close()
    await using engine = await startBuiltEngine({ pipelines: [] })
    const own = await report(['--port', new URL(engine.socketUrl).port])
    expect(found(own, 'port')).toMatchObject([{ state: 'ok', detail: expect.stringContaining('hailstream runs at') }])
    expect(own.exit).toBe(0)
  })

  it('tells of a file in the place of the state folder', async () => {
    const state = join(folder, 'file')
    writeFileSync(state, '')
    const told = await report([], { state })
    expect(told.exit).toBe(1)
    expect(found(told, 'state-folder')).toMatchObject([
      { state: 'error', detail: `Expected a folder at ${state}, found something else` },
    ])
  })
})
