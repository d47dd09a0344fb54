import { join } from 'node:path'
import type { FileStatus, Outcome, OwnProcess, System } from '../../engine/doctor/system.ts'
import { addon, addonFile } from '../../engine/native/addon.ts'
import { projectRoot } from '../../engine/root.ts'

/** A machine made of what is written here; a test changes what it is about. */
export interface FakeMachine {
  readonly own: OwnProcess
  now: number
  /** Contents by path; the folders above are there too. */
  readonly files: Record<string, string>
  /** What differs from a file or folder of root that all may read; a path that is here is there. */
  readonly stats: Record<string, Partial<FileStatus>>
  readonly links: Record<string, string>
  /** Folders that may not be listed. */
  readonly closed: Set<string>
  /** What a program prints, or how it ends, by a part of its command line; the first that fits. */
  readonly programs: Record<string, string | Outcome>
  /** Codes of ports that cannot be bound, by `host:port`. */
  readonly ports: Record<string, string>
  readonly answers: Record<string, string>
  freeBytes: number
  readOnly: boolean
}

export const service = { uid: 990, gid: 990 }
export const pi = { uid: 1000, gid: 1000 }
const gids = { video: 44, audio: 29, hailo: 991 }
/** What a program that is not there gives. */
export const missing: Outcome = { end: 'missing' }
export const late: Outcome = { end: 'late' }

/** A program that failed: its exit status and what it said on stderr. */
export function failed(status: number | null, stderr = '', signal: string | null = null): Outcome {
  return { end: 'exit', status, signal, stdout: '', stderr }
}

/** A Raspberry Pi 5 with an AI HAT+ 2, a USB camera and microphone, and the service, all of which work. */
export function healthyPi(): FakeMachine {
  return {
    own: {
      ...pi,
      groups: [...Object.values(gids), service.gid],
      nodeVersion: '22.12.0',
      abi: '127',
      architecture: 'arm64',
      platform: 'linux',
      nodePath: '/usr/bin/node',
      environment: {},
    },
    now: Date.parse('2026-12-01T12:00:00Z'),
    files: { ...accountFiles, ...boardFiles, ...hailoFiles, ...mediaFiles, ...ownFiles },
    stats: {
      '/run/systemd/system': { kind: 'folder' },
      '/run/systemd/timesync/synchronized': {},
      '/var/log/journal': { kind: 'folder' },
      '/var/lib/hailstream': { kind: 'folder', ...service, mode: 0o750 },
      '/dev/hailo0': { kind: 'device', mode: 0o660, gid: gids.hailo },
      '/dev/video0': { kind: 'device', mode: 0o660, gid: gids.video },
      '/dev/snd/pcmC2D0c': { kind: 'device', mode: 0o660, gid: gids.audio },
      '/usr/lib/aarch64-linux-gnu/gstreamer-1.0/libgstlibcamera.so': {},
      [join(projectRoot, 'package.json')]: { changedAt: Date.parse('2026-11-20T00:00:00Z') },
      [join(projectRoot, 'setup.mjs')]: {},
      [addonFile('hailo')]: {},
    },
    links: {},
    closed: new Set(),
    programs: programs(),
    ports: {},
    answers: {},
    freeBytes: 20e9,
    readOnly: false,
  }
}

const accountFiles = {
  '/etc/passwd': [
    'root:x:0:0:root:/root:/bin/bash',
    'hailstream:x:990:990:hailstream:/var/lib/hailstream:/usr/sbin/nologin',
    'pi:x:1000:1000:,,,:/home/pi:/bin/bash',
    '',
  ].join('\n'),
  '/etc/group': [
    'root:x:0:',
    'audio:x:29:pi,hailstream',
    'video:x:44:pi,hailstream',
    'hailstream:x:990:pi',
    'hailo:x:991:hailstream,pi',
    'pi:x:1000:',
    '',
  ].join('\n'),
}

const boardFiles = {
  '/etc/os-release': 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nID=debian\nVERSION_ID="13"\n',
  '/proc/sys/kernel/osrelease': '6.12.47+rpt-rpi-2712\n',
  '/proc/device-tree/model': 'Raspberry Pi 5 Model B Rev 1.1\0',
  '/proc/cpuinfo':
    'processor\t: 0\nFeatures\t: fp asimd evtstrm aes crc32 atomics fphp asimdhp asimddp\n\nprocessor\t: 1\n',
  '/proc/meminfo': 'MemTotal:        8256000 kB\nMemAvailable:    6900000 kB\nSwapTotal:       2097136 kB\n',
  '/proc/vmstat': 'nr_free_pages 1000\noom_kill 0\n',
  '/proc/self/oom_score_adj': '0\n',
  '/proc/self/limits': 'Max open files            524288               524288               files     \n',
  '/sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io memory pids\n',
  '/sys/class/thermal/thermal_zone0/type': 'cpu-thermal\n',
  '/sys/class/thermal/thermal_zone0/temp': '52300\n',
  '/boot/firmware/cmdline.txt': 'console=tty1 rootwait cgroup_enable=memory\n',
  '/boot/firmware/config.txt': '[all]\ndtparam=pciex1_gen=3\n',
}

const card = '/sys/bus/pci/devices/0001:01:00.0'
const hailoFiles = {
  '/sys/bus/pci/devices/0001:00:00.0/vendor': '0x14e4\n',
  [`${card}/vendor`]: '0x1e60\n',
  [`${card}/device`]: '0x45c4\n',
  [`${card}/current_link_speed`]: '8.0 GT/s PCIe\n',
  [`${card}/max_link_speed`]: '8.0 GT/s PCIe\n',
  [`${card}/current_link_width`]: '1\n',
  [`${card}/max_link_width`]: '4\n',
  '/sys/module/hailo1x_pci/version': '5.1.1\n',
  '/usr/lib/libhailort.so.5.1.1': '',
}

const mediaFiles = {
  '/sys/class/video4linux/video0/name': 'HD Pro Webcam C920\n',
  '/sys/class/video4linux/video0/index': '0\n',
  '/sys/class/video4linux/video1/name': 'HD Pro Webcam C920\n',
  '/sys/class/video4linux/video1/index': '1\n',
  '/sys/class/video4linux/video20/name': 'pispbe-input\n',
  '/sys/class/video4linux/video20/index': '0\n',
  '/proc/asound/pcm':
    '00-00: MAI PCM i2s-hifi-0 : MAI PCM i2s-hifi-0 : playback 1\n02-00: USB Audio : USB Audio : capture 1\n',
}

const ownFiles = {
  '/etc/systemd/system/hailstream.service': '[Unit]\n',
  '/proc/77/comm': 'node\n',
  '/proc/77/cmdline': '/usr/bin/node\0/opt/hailstream/dist/engine/hosts/vision.js\0',
  '/proc/77/cgroup': '0::/system.slice/hailstream.service\n',
}

function programs(): Record<string, string> {
  return {
    'hailstream.node': Object.keys(addon()).join(' '),
    'onnxruntime-node': '1.30.0 on cpu',
    'uWebSockets.js': 'for Node ABI 127',
    sharp: '0.35.5',
    'gstreamer-superficial': '',
    'dpkg-query': '1.26.2-2',
    'modinfo -F version hailo1x_pci': '5.1.1',
    'hailortcli fw-control identify': identified('5.1.1'),
    'apt-cache policy': policy('hailo-h10-all', '5.1.1'),
    'vcgencmd get_throttled': 'throttled=0x0',
    'getconf PAGESIZE': '16384',
    'rpicam-hello --list-cameras': 'No cameras available!',
    'systemctl show hailstream.service': unit(),
  }
}

/** What `hailortcli` prints of a device. */
export function identified(firmware: string): string {
  return [
    'Executing on device: 0001:01:00.0',
    'Identifying board',
    'Control Protocol Version: 2',
    `Firmware Version: ${firmware} (release,app)`,
    'Logger Version: 0',
    'Device Architecture: HAILO10H',
  ].join('\n')
}

/** What apt knows of a package. */
export function policy(name: string, candidate: string): string {
  return `${name}:\n  Installed: (none)\n  Candidate: ${candidate}\n  Version table:\n     ${candidate} 500\n`
}

/** What systemd tells of the service. */
export function unit(changes: Readonly<Record<string, string>> = {}): string {
  const properties = {
    LoadState: 'loaded',
    UnitFileState: 'enabled',
    ActiveState: 'active',
    Result: 'success',
    ExecMainStatus: '0',
    NRestarts: '0',
    Environment: 'NODE_ENV=production HAILSTREAM_STATE=/var/lib/hailstream',
    ...changes,
  }
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n')
}

/** A process with a file open. */
export function addProcess(
  machine: FakeMachine,
  pid: number,
  process: { comm: string; opens?: string; cgroup?: string },
): void {
  machine.files[`/proc/${pid}/comm`] = `${process.comm}\n`
  machine.files[`/proc/${pid}/cmdline`] = `/usr/bin/${process.comm}\0`
  machine.files[`/proc/${pid}/cgroup`] = `0::${process.cgroup ?? '/user.slice/user-1000.slice/session-1.scope'}\n`
  if (process.opens === undefined) return void machine.closed.add(`/proc/${pid}/fd`)
  machine.links[`/proc/${pid}/fd/5`] = process.opens
}

/** Takes away all files and devices under a path. */
export function remove(machine: FakeMachine, path: string): void {
  for (const record of [machine.files, machine.stats])
    for (const name of Object.keys(record)) if (name === path || name.startsWith(`${path}/`)) delete record[name]
}

/** The machine as the checks see it. */
export function fakeSystem(machine: FakeMachine): System {
  const { files, stats, links } = machine
  const paths = () => [...Object.keys(files), ...Object.keys(stats), ...Object.keys(links)]
  const within = (folder: string) => paths().filter((path) => path.startsWith(`${folder === '/' ? '' : folder}/`))
  return {
    own: machine.own,
    now: () => machine.now,
    read: async (path) => files[path],
    list: async (folder) => {
      if (machine.closed.has(folder)) return undefined
      const names = within(folder).map((path) => path.slice(folder.length + 1).split('/')[0] ?? '')
      return names.length === 0 && stats[folder] === undefined ? undefined : [...new Set(names)]
    },
    stat: async (path) => {
      const kind = path in files ? 'file' : within(path).length > 0 || path === '/' ? 'folder' : undefined
      if (kind === undefined && stats[path] === undefined) return undefined
      const mode = kind === 'folder' ? 0o755 : 0o644
      return { kind: kind ?? 'file', mode, uid: 0, gid: 0, size: 1, changedAt: 0, ...stats[path] }
    },
    readLink: async (path) => links[path],
    diskSpace: async () => ({ bavail: machine.freeBytes / 4096, bsize: 4096, files: 1e6, ffree: 1e6 }),
    canWrite: async () => !machine.readOnly,
    run: async (command) => {
      const line = command.join(' ')
      const outcome = Object.entries(machine.programs).find(([part]) => line.includes(part))?.[1] ?? missing
      return typeof outcome === 'string'
        ? { end: 'exit', status: 0, signal: null, stdout: outcome, stderr: '' }
        : outcome
    },
    tryListen: async (host, port) => machine.ports[`${host}:${port}`],
    ask: async (url) => machine.answers[url],
  }
}
