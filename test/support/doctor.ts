import { expect } from 'vitest'
import { parseCommandLine } from '../../engine/command-line.ts'
import { type Config, loadConfig } from '../../engine/config.ts'
import { checks } from '../../engine/doctor/checks.ts'
import type { Finding } from '../../engine/doctor/finding.ts'
import { runChecks } from '../../engine/doctor/run-checks.ts'
import { type FakeMachine, fakeSystem, healthyPi } from './fake-system.ts'

/** Something wrong on a machine that is healthy otherwise, and what the doctor has to say of it. */
export interface Trouble {
  readonly title: string
  /** The check that is carried out. */
  readonly check: string
  /** Of the finding, where it is not the check's. */
  readonly name?: string
  readonly change?: (machine: FakeMachine) => unknown
  /** Settings, as for `--set`. */
  readonly set?: readonly string[]
  readonly state: 'warning' | 'error'
  readonly detail: string | RegExp
  readonly fix: string | RegExp
}

/** The configuration of the service, with what a test sets. */
export function configure(set: readonly string[] = []): Config {
  const line = parseCommandLine(['doctor', ...set.flatMap((setting) => ['--set', setting])])
  return loadConfig(line, { HAILSTREAM_STATE: '/var/lib/hailstream' })
}

/** What one check finds on a healthy Raspberry Pi that was changed. */
export function findingsOf({
  check: name,
  change,
  set,
}: Pick<Trouble, 'check' | 'change' | 'set'>): Promise<Finding[]> {
  const machine = healthyPi()
  change?.(machine)
  const wanted = checks.filter((check) => check.name === name)
  return runChecks(wanted, fakeSystem(machine), configure(set))
}

/** For `it.each`: the title first. */
export function titled(troubles: readonly Trouble[]): (readonly [string, Trouble])[] {
  return troubles.map((trouble) => [trouble.title, trouble] as const)
}

/** The trouble is told, with its fix; what else is wrong may be told too. */
export async function expectTold(_title: string, trouble: Trouble): Promise<void> {
  const { check, name = check, state, detail, fix } = trouble
  const found = await findingsOf(trouble)
  const expected = { check: name, state, detail: textOrPattern(detail), fix: textOrPattern(fix) }
  expect(found.filter((finding) => finding.state !== 'ok')).toContainEqual(expected)
}

/** Lets somebody listen on a port of loopback, by the socket 4711. */
export function holdPort(machine: FakeMachine, port: number): void {
  machine.ports[`127.0.0.1:${port}`] = 'EADDRINUSE'
  const hex = port.toString(16).toUpperCase()
  const line = `   0: 0100007F:${hex} 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0 100 0 0 10 0`
  machine.files['/proc/net/tcp'] = `  sl  local_address rem_address   st\n${line}\n`
}

function textOrPattern(expected: string | RegExp): unknown {
  return typeof expected === 'string' ? expected : expect.stringMatching(expected)
}
