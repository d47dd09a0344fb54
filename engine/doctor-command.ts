import type { Config } from './config.ts'
import { checks } from './doctor/checks.ts'
import { worstOf } from './doctor/finding.ts'
import { createSystem } from './doctor/real-system.ts'
import { toJson, toText } from './doctor/report.ts'
import { runChecks } from './doctor/run-checks.ts'

/** How the findings are printed. */
export interface DoctorOptions {
  /** For programs. */
  readonly json: boolean
  readonly look: 'plain' | 'coloured'
  readonly version: string
}

/** `hailstream doctor`: looks at this machine and changes nothing. Gives what to print, and the exit status: 1 for errors, else 0. */
export async function runDoctorCommand(
  config: Config,
  { json, look, version }: DoctorOptions,
): Promise<{ readonly text: string; readonly status: 0 | 1 }> {
  const findings = await runChecks(checks, createSystem(), config)
  const text = json ? toJson(findings, version) : toText(findings, look)
  return { text, status: worstOf(findings) === 'error' ? 1 : 0 }
}
