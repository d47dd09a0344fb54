/** `error`: the engine cannot start, or not do what is configured. `warning`: it works, but worse than it could or not for long. */
export type State = 'ok' | 'warning' | 'error'

/** What one look has shown. `check` is a stable name for programs, `detail` a sentence, `fix` the command or the one step that mends it. */
export type Finding =
  | { readonly check: string; readonly state: 'ok'; readonly detail: string }
  | { readonly check: string; readonly state: 'warning' | 'error'; readonly detail: string; readonly fix: string }

/** What is wrong, and the command or the one step that mends it. */
export interface Trouble {
  readonly detail: string
  readonly fix: string
}

/** Nothing to do. */
export function ok(check: string, detail: string): Finding {
  return { check, state: 'ok', detail }
}

/** It works, but worse than it could or not for long. */
export function warning(check: string, { detail, fix }: Trouble): Finding {
  return { check, state: 'warning', detail, fix }
}

/** The engine cannot start, or not do what is configured. */
export function error(check: string, { detail, fix }: Trouble): Finding {
  return { check, state: 'error', detail, fix }
}

/** The worst of them; `ok` for none. */
export function worstOf(findings: readonly Finding[]): State {
  const states = findings.map(({ state }) => state)
  return states.includes('error') ? 'error' : states.includes('warning') ? 'warning' : 'ok'
}
