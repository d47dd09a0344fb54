import { join } from 'node:path'
import { projectRoot } from '../../root.ts'
import { type Finding, ok, warning } from '../finding.ts'
import { hasSystemd } from '../machine.ts'
import { printedBy, type System } from '../system.ts'

const dayMs = 86_400_000
/** A machine that is further ahead than that of the program's age has a wrong date. */
const longestLifeMs = 20 * 365 * dayMs

/** Whether the date can be right, and whether something keeps it so: a Raspberry Pi without a battery starts in the past. */
export async function checkClock(system: System): Promise<Finding[]> {
  const now = system.now()
  const built = (await system.stat(join(projectRoot, 'package.json')))?.changedAt ?? now
  const date = new Date(now).toISOString()
  const follow = 'sudo apt install systemd-timesyncd && sudo timedatectl set-ntp true'
  if (now < built - dayMs || now > built + longestLifeMs)
    return [
      warning('clock', {
        detail: `It is ${date} here, which cannot be: this program was built ${new Date(built).toISOString()}`,
        fix: follow,
      }),
    ]
  const by = await keeperOf(system)
  if (by !== undefined) return [ok('clock', `${date}, ${by}`)]
  const detail = `${date}, but nothing keeps the clock right: times in results may jump or drift`
  return [warning('clock', { detail, fix: follow })]
}

async function keeperOf(system: System): Promise<string | undefined> {
  if ((await system.stat('/run/systemd/timesync/synchronized')) !== undefined) return 'kept by systemd-timesyncd'
  if (!(await hasSystemd(system))) return 'kept by the machine that runs this one, if at all: no systemd here'
  const told = printedBy(await system.run(['timedatectl', 'show', '-p', 'NTPSynchronized', '--value']))
  return told === 'yes' ? 'synchronised' : undefined
}
