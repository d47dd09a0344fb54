import { execFileSync, spawnSync } from 'node:child_process'
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { projectRoot } from '../../engine/root.ts'
import { makeDebianRoot, noDebianRoot } from '../support/debian-root.ts'

if (noDebianRoot !== null) console.warn(`not shown: install and uninstall in a Debian root (${noDebianRoot})`)

/** The most that `systemd-analyze security` may count, 0 to 10. */
const maxExposure = 3

describe.skipIf(noDebianRoot !== null)('the service of systemd in a Debian root', { timeout: 120_000 }, () => {
  let root = ''
  beforeAll(() => {
    root = makeDebianRoot()
    mkdirSync(join(root, 'boot/firmware'), { recursive: true })
    writeFileSync(join(root, 'boot/firmware/cmdline.txt'), 'console=tty1 rootwait\n')
  }, 600_000)
  afterAll(() => rmSync(root, { recursive: true, force: true }))

  const run = (script: string, ...args: string[]) => {
    const command = ['sh', join(projectRoot, 'systemd', script), '--root', root, ...args] as const
    const { status, stdout, stderr } = spawnSync(command[0], command.slice(1), { encoding: 'utf8' })
    return { status, text: stdout + stderr }
  }
  const within = (...command: string[]) => spawnSync('chroot', [root, ...command], { encoding: 'utf8' })
  /** Links count as they are: theirs lead to places in the root. */
  const there = (path: string) => lstatSync(join(root, path), { throwIfNoEntry: false }) !== undefined
  const read = (path: string) => readFileSync(join(root, path), 'utf8')
  /** Every file with its kind, size, owner, mode and time. */
  const listing = () =>
    execFileSync('find', [root, '-printf', '%p %y %s %U %m %T@\n'], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })

  it('says in a dry run what it would do, and changes nothing', () => {
    const before = listing()
    const { status, text } = run('install.sh', '--dry-run')
    expect(status).toBe(0)
    expect(text).toMatch(/would copy the program[\s\S]*would enable hailstream\.service/)
    expect(run('uninstall.sh', '--purge', '--dry-run').status).toBe(0)
    expect(listing()).toBe(before)
  })

  it('installs twice alike: warns of the missing driver, names the reboot once, and leaves changed settings alone', () => {
    const first = run('install.sh')
    expect(first).toMatchObject({ status: 0, text: expect.stringContaining('no Hailo driver') })
    expect(first.text).toContain('reboot needed for: the memory limit')
    expect(read('etc/hailstream/hailstream.yaml')).toContain('compat: { ollama: true }')
    expect(read('boot/firmware/cmdline.txt')).toBe('console=tty1 rootwait cgroup_enable=memory\n')
    expect(read('etc/group')).toMatch(/^hailo:.*hailstream$/m)
    writeFileSync(join(root, 'etc/hailstream/hailstream.yaml'), 'compat: { ollama: false }\n')
    writeFileSync(join(root, 'opt/hailstream/dist/left-over.js'), '')
    const second = run('install.sh')
    expect(second.status).toBe(0)
    expect(second.text).not.toContain('reboot needed')
    expect(read('boot/firmware/cmdline.txt')).toBe('console=tty1 rootwait cgroup_enable=memory\n')
    expect(read('etc/hailstream/hailstream.yaml')).toBe('compat: { ollama: false }\n')
    expect(there('opt/hailstream/dist/left-over.js')).toBe(false)
    expect(there('etc/systemd/system/multi-user.target.wants/hailstream.service')).toBe(true)
  })

  it('takes every variant of the addon along: the one with HailoRT is what uses the device', () => {
    const variants = 'addon/build/Release'
    expect(readdirSync(join(root, 'opt/hailstream', variants)).sort()).toEqual(
      readdirSync(join(projectRoot, variants)).sort(),
    )
  })

  it('gives root the program and the engine only its own folders', () => {
    const owners = execFileSync('find', [
      join(root, 'opt/hailstream'),
      '(',
      '-perm',
      '/022',
      '-o',
      '!',
      '-uid',
      '0',
      ')',
      '!',
      '-type',
      'l',
    ])
    expect(owners.toString()).toBe('')
    expect(within('stat', '-c', '%U %a', '/var/lib/hailstream').stdout).toBe('hailstream 750\n')
  })

  it('passes the checks of systemd: nothing to complain of, and little exposed', () => {
    const { status, stdout, stderr } = within('systemd-analyze', 'verify', 'hailstream.service')
    expect({ status, text: stdout + stderr }).toEqual({ status: 0, text: '' })
    const judged = within('systemd-analyze', 'security', '--offline=true', '--no-pager', 'hailstream.service').stdout
    const [, exposure] = /exposure level for hailstream\.service: ([\d.]+)/.exec(judged) ?? []
    expect(Number(exposure)).toBeLessThanOrEqual(maxExposure)
    expect(judged).toMatch(/✓ NoNewPrivileges=/)
  })

  it('uninstalls twice, keeping settings and models', () => {
    mkdirSync(join(root, 'var/lib/hailstream/models'), { recursive: true })
    writeFileSync(join(root, 'var/lib/hailstream/models/mine.onnx'), 'weights')
    for (const time of ['first', 'second']) expect(run('uninstall.sh').status, time).toBe(0)
    expect(there('opt/hailstream')).toBe(false)
    expect(there('etc/systemd/system/hailstream.service')).toBe(false)
    expect(there('etc/udev/rules.d/99-hailstream.rules')).toBe(false)
    expect(there('etc/systemd/system/multi-user.target.wants/hailstream.service')).toBe(false)
    expect(read('etc/hailstream/hailstream.yaml')).toBe('compat: { ollama: false }\n')
    expect(read('var/lib/hailstream/models/mine.onnx')).toBe('weights')
    expect(read('boot/firmware/cmdline.txt')).toBe('console=tty1 rootwait\n')
  })

  it('removes settings, models and the user when purged, twice too', () => {
    expect(run('install.sh').status).toBe(0)
    for (const time of ['first', 'second']) expect(run('uninstall.sh', '--purge'), time).toMatchObject({ status: 0 })
    expect(['opt', 'etc', 'var/lib', 'var/cache'].filter((folder) => there(`${folder}/hailstream`))).toEqual([])
    expect(read('etc/passwd')).not.toContain('hailstream')
  })

  it('refuses what it does not know, and whoever may not install', () => {
    expect(run('install.sh', '--dri')).toMatchObject({ status: 2, text: expect.stringContaining('--dri') })
    const nobody = ['--reuid=65534', '--clear-groups', 'sh', '-s', '--', '--root', '/tmp']
    for (const script of ['install.sh', 'uninstall.sh']) {
      const text = readFileSync(join(projectRoot, 'systemd', script))
      const refused = spawnSync('setpriv', nobody, { input: text, encoding: 'utf8', cwd: '/' })
      expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining('as root') })
    }
  })
})
