import type { FileStatus, System } from './system.ts'

/** The user that the systemd unit runs the engine as. */
export const serviceUser = 'hailstream'

const serviceState = '/var/lib/hailstream'

/** Somebody who runs the engine. */
export interface Person {
  readonly name: string
  readonly uid: number
  /** Groups that count now. */
  readonly groups: readonly number[]
  /** Groups that count after the next login or start. */
  readonly listed: readonly number[]
}

/** The users and groups of /etc. */
export class Accounts {
  readonly #system: System
  readonly #users: readonly (readonly string[])[]
  readonly #groups: readonly (readonly string[])[]

  private constructor(system: System, users: string, groups: string) {
    this.#system = system
    this.#users = toRows(users)
    this.#groups = toRows(groups)
  }

  static async read(system: System): Promise<Accounts> {
    const [users, groups] = await Promise.all([system.read('/etc/passwd'), system.read('/etc/group')])
    return new Accounts(system, users ?? '', groups ?? '')
  }

  /** Who may run the engine: first the service's user where there is one, then who called the doctor, also through sudo. */
  engineUsers(): [Person, ...Person[]] {
    const service = this.#person(serviceUser)
    const caller = this.caller()
    return service === undefined || service.uid === caller.uid ? [service ?? caller] : [service, caller]
  }

  /** Who runs the engine that keeps its files in the folder: the service's user where it is his or the service's, else the caller. */
  async runnerOf(state: string): Promise<Person> {
    const service = this.#person(serviceUser)
    const folder = await this.#system.stat(state)
    const his = state.startsWith(serviceState) || folder?.uid === service?.uid
    return service !== undefined && his ? service : this.caller()
  }

  /** Who called the doctor: through sudo, the user before it. */
  caller(): Person {
    const { uid, gid, groups, environment } = this.#system.own
    const before = uid === 0 ? this.#person(environment.SUDO_USER ?? '') : undefined
    if (before !== undefined) return before
    const name = this.#users.find((row) => row[2] === String(uid))?.[0] ?? String(uid)
    return { name, uid, groups: [gid, ...groups], listed: this.#person(name)?.listed ?? [gid] }
  }

  /** The group's name; its number where it has none. */
  groupName(gid: number): string {
    return this.#groups.find((row) => row[2] === String(gid))?.[0] ?? String(gid)
  }

  #person(name: string): Person | undefined {
    const row = this.#users.find(([user]) => user === name)
    if (row === undefined) return undefined
    const others = this.#groups.filter((group) => (group[3] ?? '').split(',').includes(name))
    const listed = [Number(row[3]), ...others.map((group) => Number(group[2]))]
    return { name, uid: Number(row[2]), groups: listed, listed }
  }
}

/** Whether the bits `wanted` (4 read, 2 write, 1 enter) are the person's, by the groups that count now or by those listed. */
export function hasRights(file: FileStatus, person: Person, wanted: number, groups = person.groups): boolean {
  if (person.uid === 0) return true
  const shift = file.uid === person.uid ? 6 : groups.includes(file.gid) ? 3 : 0
  return ((file.mode >> shift) & wanted) === wanted
}

/** Why the person cannot read a file: the first place on its path that forbids it; undefined when he can, or nothing is there. */
export async function forbiddenPlace(system: System, path: string, person: Person): Promise<string | undefined> {
  const parts = path.split('/').filter((part) => part !== '')
  for (let i = 0; i <= parts.length; i++) {
    const place = `/${parts.slice(0, i).join('/')}`
    const found = await system.stat(place)
    if (found === undefined) return undefined
    const wanted = i < parts.length ? 1 : found.kind === 'folder' ? 5 : 4
    if (!hasRights(found, person, wanted)) return place
  }
  return undefined
}

/** The command that gives the person a device of a group, and what has to follow it. */
export function joinGroupFix(person: Person, group: string): string {
  const then = person.name === serviceUser ? 'sudo systemctl restart hailstream' : 'echo "now log out and in again"'
  return `sudo usermod -aG ${group} ${person.name} && ${then}`
}

function toRows(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(':'))
}
