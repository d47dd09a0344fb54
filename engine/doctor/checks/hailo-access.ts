import type { Config } from '../../config.ts'
import { Accounts, hasRights, joinGroupFix, type Person, serviceUser } from '../accounts.ts'
import { error, type Finding, ok, warning } from '../finding.ts'
import { hailoDevice } from '../hailo.ts'
import { type Holder, holdersOf, nameOf, processesNamed } from '../open-files.ts'
import type { FileStatus, System } from '../system.ts'

/** Programs that open the device for themselves alone. */
const exclusive = ['hailo-ollama']
const readWrite = 6
const udevFix = [
  'sudo groupadd -f hailo',
  `echo 'KERNEL=="hailo[0-9]*", GROUP="hailo", MODE="0660"' | sudo tee /etc/udev/rules.d/99-hailo-group.rules`,
  'sudo udevadm control --reload',
  'sudo udevadm trigger --action=change',
].join(' && ')

/** Whether those who run the engine may use the device. */
export async function checkHailoAccess(system: System, { hailo }: Config): Promise<Finding[]> {
  const device = await system.stat(hailoDevice)
  if (device === undefined || hailo.enabled === false) return []
  const accounts = await Accounts.read(system)
  const [runner, ...others] = accounts.engineUsers()
  return [
    checkPerson(device, runner, accounts, error),
    ...others.map((person) => checkPerson(device, person, accounts, warning)),
  ]
}

/** Who does not run the service is told, in case he starts an engine himself. */
function checkPerson(device: FileStatus, person: Person, ...[accounts, tell]: [Accounts, typeof error]): Finding {
  const group = accounts.groupName(device.gid)
  const rights = `${hailoDevice} (group ${group}, ${device.mode.toString(8)})`
  if (hasRights(device, person, readWrite)) return ok('hailo-access', `${person.name} may use ${rights}`)
  const detail = `${person.name} may not use ${rights}`
  if (hasRights(device, person, readWrite, person.listed)) {
    const fix = `Log out and in again, or for this shell: newgrp ${group}`
    return tell('hailo-access', { detail: `${detail} before the next login`, fix })
  }
  const byGroup = device.gid !== 0 && (device.mode & 0o060) === 0o060
  return tell('hailo-access', {
    detail,
    fix: byGroup ? joinGroupFix(person, group) : `${udevFix} && ${joinHailo(person)}`,
  })
}

function joinHailo(person: Person): string {
  return joinGroupFix(person, 'hailo')
}

/** Who holds the device: one program that opens it for itself keeps all others out. */
export async function checkHailoHolders(system: System, { hailo }: Config): Promise<Finding[]> {
  if ((await system.stat(hailoDevice)) === undefined || hailo.enabled === false) return []
  const { holders, hidden } = await holdersOf(system, [hailoDevice])
  const named = (await Promise.all(exclusive.map((name) => processesNamed(system, name)))).flat()
  const alone = unique([...holders, ...named]).filter(({ command }) => exclusive.includes(command))
  const others = holders.filter((holder) => !holder.ours && !exclusive.includes(holder.command))
  const findings = [...alone.map(tellExclusive), ...others.map(tellOther)]
  if (findings.length > 0) return findings
  const ours = holders.filter((holder) => holder.ours).map(nameOf)
  const unseen = hidden > 0 ? '; other users’ programs can be seen with sudo only' : ''
  return [
    ok(
      'hailo-holder',
      `${ours.length > 0 ? `held by hailstream: ${ours.join(', ')}` : 'nobody holds the device'}${unseen}`,
    ),
  ]
}

function tellExclusive(holder: Holder): Finding {
  const detail = `${nameOf(holder)} takes the device for itself alone: ${serviceUser} cannot use it beside`
  return error('hailo-holder', { detail, fix: holder.stop })
}

function tellOther(holder: Holder): Finding {
  const detail = `${nameOf(holder)} has the device open. Beside each other only programs of group SHARED can use it`
  return warning('hailo-holder', { detail, fix: holder.stop })
}

function unique(holders: readonly Holder[]): Holder[] {
  return [...new Map(holders.map((holder) => [holder.pid, holder])).values()]
}
