import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Finding } from '../../engine/doctor/finding.ts'
import { projectRoot } from '../../engine/root.ts'
import { makeDebianRoot, noDebianRoot } from '../support/debian-root.ts'
import { until } from '../support/wait.ts'

/** Exit status of boot.sh where this machine does not let a container boot. */
const cannotBoot = 42

const settings = JSON.stringify({
  pipelines: [
    {
      name: 'probe',
      streams: {
        pattern: { source: 'test', size: '320x240', rate: 10 },
        objects: { from: 'pattern', node: 'detect' },
      },
      publish: ['pattern', 'objects'],
    },
  ],
})

/** What is asked inside of the container, whose network is its own. */
const ask = (path: string) =>
  `fetch('http://127.0.0.1:8080${path}').then(async (r) => console.log(r.status, await r.text()), () => process.exit(1))`

if (noDebianRoot !== null) console.warn(`not shown: the unit under a running systemd (${noDebianRoot})`)

describe.skipIf(noDebianRoot !== null)('the unit under a running systemd', { timeout: 120_000 }, () => {
  let root = ''
  let container: ChildProcess | undefined
  let init: string | undefined
  let refused = ''
  const inside = (...command: string[]) =>
    spawnSync('nsenter', ['-t', `${init}`, '-a', ...command], { encoding: 'utf8' })
  const property = (name: string) => inside('systemctl', 'show', '-P', name, 'hailstream').stdout.trim()
  const active = (what: string) => until(what, () => property('ActiveState') === 'active', 60_000)

  beforeAll(async () => {
    root = makeDebianRoot()
    const installed = spawnSync('sh', [join(projectRoot, 'systemd/install.sh'), '--root', root], { encoding: 'utf8' })
    expect(installed.stderr + installed.stdout).toContain('done')
    writeFileSync(join(root, 'etc/hailstream/hailstream.yaml'), settings)
    mkdirSync(join(root, 'etc/systemd/system/hailstream.service.d'))
    writeFileSync(join(root, 'etc/systemd/system/hailstream.service.d/soon.conf'), '[Service]\nWatchdogSec=5\n')
    container = spawn('sh', [join(projectRoot, 'test/systemd/boot.sh'), root], { stdio: ['ignore', 'ignore', 'pipe'] })
    container.stderr?.on('data', (chunk) => (refused += chunk))
    init = await until('systemd to start', () =>
      container?.exitCode === cannotBoot ? 'none' : findInit(container?.pid),
    )
    if (init === 'none') console.warn(`not shown: the unit under a running systemd (${refused.trim()})`)
  }, 600_000)
  afterAll(async () => {
    container?.kill('SIGTERM')
    await until('the container to end', () => container === undefined || container.exitCode !== null)
    rmSync(root, { recursive: true, force: true })
  }, 600_000)

  it('starts and notifies, and runs its hosts under the hardening', async ({ skip }) => {
    if (init === 'none') skip(`not shown: ${refused}`)
    await active('the service to be ready')
    await until('a status line', () => /^ok: .*streams live/.test(property('StatusText')))
    const objects = await until('objects', () => inside('node', '-e', ask('/api/topics/probe/objects')).stdout || false)
    expect(objects, inside('journalctl', '--no-pager', '-u', 'hailstream').stdout).toMatch(/^200 \{"topic"/)
    const hosts = JSON.parse(inside('node', '-e', ask('/api/health')).stdout.slice(4)).hosts as { pid: number | null }[]
    // The others are started when somebody asks for what they do.
    const pids = [property('MainPID'), ...hosts.flatMap(({ pid }) => pid ?? [])]
    expect(pids.length).toBe(3)
    for (const pid of pids) {
      const status = inside('cat', `/proc/${pid}/status`).stdout
      expect(status).toMatch(/NoNewPrivs:\t1\nSeccomp:\t2/)
      expect(status).toMatch(/CapEff:\t0+\n/)
      expect(status).not.toMatch(/Uid:\t0\t/)
    }
  })

  it('is found running by the doctor, which looks at what the service looks at', async ({ skip }) => {
    if (init === 'none') skip(`not shown: ${refused}`)
    await active('the service to be ready')
    const { stdout } = inside('node', '/opt/hailstream/dist/engine/main.js', 'doctor', '--json')
    const { checks } = JSON.parse(stdout) as { checks: readonly Finding[] }
    expect(checks.filter(({ state }) => state === 'error')).toEqual([])
    const told = new Map(checks.map(({ check, detail }) => [check, detail]))
    expect(told.get('service')).toBe('enabled and active')
    expect(told.get('pipelines')).toBe('probe: 2 streams')
    expect(told.get('port')).toMatch(/^hailstream runs at 127\.0\.0\.1:8080: version/)
    expect(told.get('user')).toBe('the engine runs as hailstream')
    expect(told.get('state-folder')).toBe('hailstream can write /var/lib/hailstream')
    expect(told.get('models')).toMatch(/^detect: /)
  })

  it('is started again after SIGKILL, with no process of before', async ({ skip }) => {
    if (init === 'none') skip(`not shown: ${refused}`)
    await active('the service to be ready')
    const before = property('MainPID')
    inside('kill', '-9', before)
    await until('another start', () => property('MainPID') !== before && property('NRestarts') === '1', 60_000)
    await active('the service to be back')
    expect(inside('node', '-e', ask('/api/health')).stdout).toMatch(/^200 /)
    const left = inside('cat', `/sys/fs/cgroup${property('ControlGroup')}/cgroup.procs`).stdout.trim()
    expect(left).toBe(property('MainPID'))
  })

  it('is killed by the watchdog when its event loop stands, and started again', async ({ skip }) => {
    if (init === 'none') skip(`not shown: ${refused}`)
    await active('the service to be ready')
    const before = property('NRestarts')
    inside('kill', '-STOP', property('MainPID'))
    await until('another start', () => property('NRestarts') !== before && property('ActiveState') === 'active', 90_000)
    expect(inside('journalctl', '--no-pager', '-u', 'hailstream').stdout).toContain('Watchdog timeout')
  })

  it('stops in order, in less than its time', async ({ skip }) => {
    if (init === 'none') skip(`not shown: ${refused}`)
    await active('the service to be ready')
    inside('node', '-e', ask('/api/topics/probe/objects'))
    expect(inside('systemctl', 'stop', 'hailstream').status).toBe(0)
    expect([property('Result'), property('ExecMainStatus'), property('ActiveState')]).toEqual([
      'success',
      '0',
      'inactive',
    ])
  })
})

/** The systemd that descends from this process, as the machine outside counts. */
function findInit(pid: number | undefined): string | undefined {
  if (pid === undefined) return undefined
  for (const child of childrenOf(pid)) {
    if (nameOf(child) === 'systemd') return String(child)
    const deeper = findInit(child)
    if (deeper !== undefined) return deeper
  }
  return undefined
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)
  } catch {
    return [] // It has ended since it was listed.
  }
}

function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
  } catch {
    return '' // It has ended since it was listed.
  }
}
