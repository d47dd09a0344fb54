import type { Config } from '../config.ts'
import { messageOf } from '../errors.ts'
import { type Finding, warning } from './finding.ts'
import type { System } from './system.ts'

/** One look at one matter. It changes nothing. */
export interface Check {
  /** Stable, for programs; the findings of a check that fails carry it. */
  readonly name: string
  /** Default 30 s: the first look at GStreamer's plug-ins takes many on a Pi. */
  readonly deadlineMs?: number
  look(system: System, config: Config): Promise<Finding[]>
}

const defaultDeadlineMs = 30_000

/** Carries out all checks, one after the other so that none makes another late, and gives their findings in that order. Never rejects. */
export async function runChecks(checks: readonly Check[], system: System, config: Config): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const check of checks) findings.push(...(await runCheck(check, system, config)))
  return findings
}

async function runCheck(check: Check, system: System, config: Config): Promise<Finding[]> {
  const { name, deadlineMs = defaultDeadlineMs } = check
  const deadline = new Deadline(deadlineMs)
  try {
    return await Promise.race([check.look(system, config), deadline.passed])
  } catch (error) {
    const detail = `This could not be looked at: ${messageOf(error)}`
    const fix = 'Run hailstream doctor again, as root; if it says the same, report it with the output of doctor --json'
    return [warning(name, { detail, fix })]
  } finally {
    deadline.cancel()
  }
}

class Deadline {
  readonly passed: Promise<never>
  #timer: NodeJS.Timeout | undefined

  constructor(ms: number) {
    this.passed = new Promise((_, reject) => {
      this.#timer = setTimeout(() => reject(new Error(`no answer within ${ms / 1000} s`)), ms)
    })
  }

  cancel(): void {
    clearTimeout(this.#timer)
  }
}
