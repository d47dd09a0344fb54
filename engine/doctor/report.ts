import { type Finding, type State, worstOf } from './finding.ts'

const colours: Readonly<Record<State, number>> = { ok: 32, warning: 33, error: 31 }
const stateWidth = 'warning'.length

/** Lines for people: state, check, detail; the fix on a line of its own; a summary at the end. */
export function toText(findings: readonly Finding[], look: 'plain' | 'coloured'): string {
  const width = Math.max(0, ...findings.map(({ check }) => check.length))
  const lines = findings.flatMap((finding) => toLines(finding, width, look))
  const count = (state: State) => findings.filter((finding) => finding.state === state).length
  return `${[...lines, '', `${count('ok')} ok, ${plural(count('warning'), 'warning')}, ${plural(count('error'), 'error')}`].join('\n')}\n`
}

/** For programs: `{ version, status, checks }`, findings in order. */
export function toJson(findings: readonly Finding[], version: string): string {
  return `${JSON.stringify({ version, status: worstOf(findings), checks: findings }, null, 2)}\n`
}

function toLines(finding: Finding, width: number, look: 'plain' | 'coloured'): string[] {
  const { check, state, detail } = finding
  const line = `${paint(state, look)}  ${check.padEnd(width)}  ${oneLine(detail)}`
  if (finding.state === 'ok') return [line]
  return [line, `${' '.repeat(stateWidth + width + 4)}fix: ${oneLine(finding.fix)}`]
}

function paint(state: State, look: 'plain' | 'coloured'): string {
  const text = state.padEnd(stateWidth)
  return look === 'plain' ? text : `\u001b[${colours[state]}m${text}\u001b[0m`
}

/** Names of devices and messages of programs may hold anything, escape sequences of the terminal too. */
function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, ' ').trim()
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
