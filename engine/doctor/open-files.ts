import type { System } from './system.ts'

/** A process that has a file open. */
export interface Holder {
  readonly pid: number
  /** Its short name. */
  readonly command: string
  /** One of hailstream's own. */
  readonly ours: boolean
  /** The command that ends it, and keeps it from coming back where a service starts it. */
  readonly stop: string
}

/** Who has a file open, as far as this user may see. */
export interface Holders {
  readonly holders: readonly Holder[]
  /** Processes of other users, whose files cannot be seen: 0 for root. */
  readonly hidden: number
}

/** Every process that has one of the files open; `targets` are what links in /proc/PID/fd say: a path, or `socket:[123]`. */
export async function holdersOf(system: System, targets: readonly string[]): Promise<Holders> {
  const holders: Holder[] = []
  let hidden = 0
  for (const pid of ((await system.list('/proc')) ?? []).filter((name) => /^\d+$/.test(name))) {
    const files = await system.list(`/proc/${pid}/fd`)
    if (files === undefined) hidden++
    else if (await opens(system, pid, files, targets)) holders.push(await describe(system, pid))
  }
  return { holders, hidden }
}

/** Processes of that short name, whoever runs them. */
export async function processesNamed(system: System, name: string): Promise<Holder[]> {
  const found: Holder[] = []
  for (const pid of ((await system.list('/proc')) ?? []).filter((one) => /^\d+$/.test(one)))
    if ((await system.read(`/proc/${pid}/comm`))?.trim() === name) found.push(await describe(system, pid))
  return found
}

/** `ollama (process 1234)` */
export function nameOf({ command, pid }: Holder): string {
  return `${command} (process ${pid})`
}

async function opens(
  system: System,
  pid: string,
  ...[files, targets]: [readonly string[], readonly string[]]
): Promise<boolean> {
  for (const file of files) {
    const target = await system.readLink(`/proc/${pid}/fd/${file}`)
    if (target !== undefined && targets.includes(target)) return true
  }
  return false
}

async function describe(system: System, pid: string): Promise<Holder> {
  const command = (await system.read(`/proc/${pid}/comm`))?.trim() ?? '?'
  const words = ((await system.read(`/proc/${pid}/cmdline`)) ?? '').split('\0')
  const ours = words.some((word) => /(^|\/)dist\/engine\/.*\.js$/.test(word))
  return { pid: Number(pid), command, ours, stop: stopCommand(pid, (await system.read(`/proc/${pid}/cgroup`)) ?? '') }
}

/** By its control group: `0::/system.slice/hailo-ollama.service`. */
function stopCommand(pid: string, cgroup: string): string {
  const service = /\/system\.slice\/(?:[^/\n]+\/)*?([^/\n]+\.service)/.exec(cgroup)?.[1]
  if (service !== undefined) return `sudo systemctl disable --now ${service}`
  const ofUser = /\/user@\d+\.service\/(?:[^/\n]+\/)*([^/\n]+\.service)/.exec(cgroup)?.[1]
  return ofUser === undefined ? `sudo kill ${pid}` : `systemctl --user disable --now ${ofUser}`
}
