import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { projectRoot } from '../../engine/root.ts'

/** What debootstrap lays down, and what apt, which knows of alternatives, adds: the engine's libraries, without decoders of files. */
const basePackages = ['systemd', 'systemd-sysv', 'dbus', 'udev', 'passwd']
const addedPackages = [
  ...['libstdc++6', 'libturbojpeg0', 'libhwy-dev'],
  ...['gstreamer1.0-plugins-base', 'gstreamer1.0-plugins-good', 'gstreamer1.0-plugins-bad'],
]

/** Why no Debian root can be made here; null where it can. */
export const noDebianRoot =
  process.getuid?.() !== 0
    ? 'not run as root'
    : spawnSync('debootstrap', ['--version']).status !== 0
      ? 'no debootstrap here'
      : null

/**
 * A fresh Debian root of this machine's release, with systemd and this machine's Node. The first call fetches packages and keeps the
 * result for later runs. The caller removes the folder.
 */
export function makeDebianRoot(): string {
  const archive = join(projectRoot, 'node_modules/.hailstream/debian-root.tar')
  if (!existsSync(archive)) bootstrap(archive)
  const root = mkdtempSync(join(tmpdir(), 'hailstream-root-'))
  execFileSync('tar', ['-xf', archive, '-C', root])
  if (/^\/(usr|opt)\//.test(process.execPath)) {
    mkdirSync(dirname(join(root, process.execPath)), { recursive: true })
    cpSync(process.execPath, join(root, process.execPath))
  }
  return root
}

function bootstrap(archive: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'hailstream-debootstrap-'))
  try {
    const root = join(folder, 'root')
    const { release, mirror } = debian()
    must('debootstrap', '--variant=minbase', `--include=${basePackages.join(',')}`, release, root, mirror)
    const install = ['apt-get', 'install', '-y', '-q', '--no-install-recommends', ...addedPackages]
    must('chroot', root, 'env', 'DEBIAN_FRONTEND=noninteractive', ...install)
    must('chroot', root, 'apt-get', 'clean')
    must('tar', '-cf', `${archive}.part`, '-C', root, '.')
    renameSync(`${archive}.part`, archive)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function must(command: string, ...args: string[]): void {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
  if (status !== 0) throw new Error(`${command} failed: ${stdout.slice(-2000)}${stderr.slice(-2000)}`)
}

/** The release and the mirror that this machine's apt uses. */
function debian(): { readonly release: string; readonly mirror: string } {
  const [, release] = /^VERSION_CODENAME=(\w+)$/m.exec(readFileSync('/etc/os-release', 'utf8')) ?? []
  const targets = execFileSync('apt-get', ['indextargets', '--format', '$(RELEASE) $(REPO_URI)'], { encoding: 'utf8' })
  const found = targets.split('\n').map((line) => line.split(' '))
  const [, mirror] = found.find(([name]) => name === release) ?? []
  if (release === undefined || mirror === undefined) throw new Error(`Expected a mirror of Debian ${release} in apt`)
  return { release, mirror }
}
