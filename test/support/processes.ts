import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { readFile } from 'node:fs/promises'

/** What `/proc/<pid>/<file>` holds; undefined for a process that is gone. */
function readProcess(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch {
    // It ended between the list and the reading, or is not ours to read.
    return undefined
  }
}

/** Whether the process runs or is stopped; one that has exited and was not waited for counts as gone. */
export function isRunning(pid: number): boolean {
  const stat = readProcess(pid, 'stat')
  return stat !== undefined && !/\) [ZX] /.test(stat)
}

/** Its command line, words parted by spaces; empty for one that is gone. */
export function commandOf(pid: number): string {
  return readProcess(pid, 'cmdline')?.split('\0').join(' ') ?? ''
}

/** Child processes, also those that have exited and were not waited for. */
export function childrenOf(pid: number): number[] {
  return allProcesses().filter((child) => readProcess(child, 'stat')?.split(') ').at(-1)?.split(' ')[1] === `${pid}`)
}

/** Hosts that this engine started, found by what it told them: also when their parent is gone. */
export function hostsOf(enginePid: number): number[] {
  const told = `HAILSTREAM_HOST_PARENT=${enginePid}`
  return allProcesses().filter((pid) => readProcess(pid, 'environ')?.split('\0').includes(told) && isRunning(pid))
}

/** Open file descriptors: how many of which kind, as `socket`, `pipe` or a path. */
export function descriptorsOf(pid: number): Record<string, number> {
  const kinds = readdirSync(`/proc/${pid}/fd`).flatMap((fd) => readLink(`/proc/${pid}/fd/${fd}`)?.split(':[')[0] ?? [])
  return Object.fromEntries(
    [...new Set(kinds)].sort().map((kind) => [kind, kinds.filter((one) => one === kind).length]),
  )
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    // Closed between the list and the reading.
    return undefined
  }
}

/** Processor time that it has taken, in ticks of 10 ms; 0 for one that is gone. */
export function cpuTicks(pid: number): number {
  const fields = readProcess(pid, 'stat')?.split(') ').at(-1)?.split(' ') ?? []
  return Number(fields[11] ?? 0) + Number(fields[12] ?? 0)
}

/** Resident memory in bytes, the image pool's touched pages with it. */
export function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readProcess(pid, 'status') ?? '')?.[1] ?? 0) * 1024
}

/** Private memory in bytes, without the image pool, files and libraries. */
export async function privateBytes(pid: number): Promise<number> {
  const sizes = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8')
  return Number(/^Anonymous:\s+(\d+) kB/m.exec(sizes)?.[1] ?? 0) * 1024
}

function allProcesses(): number[] {
  return readdirSync('/proc').map(Number).filter(Number.isInteger)
}
