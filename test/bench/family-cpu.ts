import { readFileSync } from 'node:fs'
import { childrenOf } from '../support/processes.ts'

/** The kernel counts in hundredths of a second on every Linux that Debian builds. */
const ticksPerSecond = 100

/** CPU time of a process and its children, those that have ended with them, in seconds, user and system. */
export function familyCpuSeconds(pid: number): number {
  return childrenOf(pid).reduce((sum, child) => sum + familyCpuSeconds(child), ownAndEnded(pid))
}

function ownAndEnded(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // After the name, which may contain spaces: state is field 3; 14 to 17 are utime, stime and those of ended children.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / ticksPerSecond
  } catch {
    // It ended since it was found: from now on its parent counts it.
    return 0
  }
}
