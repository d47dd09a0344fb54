import { dirname } from 'node:path'
import type { Config } from '../../config.ts'
import { describeDisk } from '../../resource-watch.ts'
import { Accounts, hasRights } from '../accounts.ts'
import { error, type Finding, ok } from '../finding.ts'
import type { System } from '../system.ts'

const writeAndEnter = 3

/** Room on the disk of the state folder, and whether those who run the engine may write there. */
export async function checkDisk(system: System, { state }: Config): Promise<Finding[]> {
  const lack = await describeDisk(state, (path) => system.diskSpace(path))
  if (lack !== undefined)
    return [
      error('disk', { detail: lack, fix: `See what takes it, then remove some: sudo du -xhd1 ${state} | sort -h` }),
    ]
  const { place, there } = await nearestPlace(system, state)
  const { bavail, bsize } = await system.diskSpace(place)
  const room = ok('disk', `${((bavail * bsize) / 1e9).toFixed(1)} GB free at ${state}`)
  return [room, await checkWritable(system, state, { place, there })]
}

/** The state folder, or the one above it in which it can be made. */
async function nearestPlace(system: System, state: string): Promise<{ place: string; there: boolean }> {
  for (let place = state; ; place = dirname(place)) {
    if ((await system.stat(place)) !== undefined || place === '/') return { place, there: place === state }
  }
}

async function checkWritable(
  system: System,
  state: string,
  { place, there }: { readonly place: string; readonly there: boolean },
): Promise<Finding> {
  const accounts = await Accounts.read(system)
  const person = await accounts.runnerOf(state)
  const make = `sudo install -d -o ${person.name} -m 750 ${state}`
  const folder = await system.stat(place)
  if (folder?.kind !== 'folder') {
    const detail = `Expected a folder at ${place}, found something else`
    return error('state-folder', { detail, fix: `sudo mv ${place} ${place}.old && ${make}` })
  }
  // Of the caller the system itself is asked, which also knows of disks that are read-only.
  const own = person.uid === system.own.uid
  if (own ? await system.canWrite(place) : hasRights(folder, person, writeAndEnter))
    return ok('state-folder', `${person.name} can write ${there ? state : `in ${place}, to make ${state}`}`)
  const detail = `${person.name} may not write ${there ? state : `in ${place}, to make ${state}`}`
  return error('state-folder', { detail, fix: there ? `sudo chown -R ${person.name}: ${state}` : make })
}
