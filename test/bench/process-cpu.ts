import { readFileSync } from 'node:fs'

/** The kernel counts in hundredths of a second on every Linux that Debian builds. */
const ticksPerSecond = 100

/** CPU time that the process and its threads have used, in seconds, user and system. */
export function cpuSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // After the name, which may contain spaces: state is field 3, utime 14 and stime 15.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}
