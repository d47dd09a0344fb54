import { element, setText } from '../view.ts'
import type { Line } from './conversation.ts'
import type { TurnTimes } from './turn-times.ts'
import type { VoiceMode } from './voice-session.ts'

/** What the controls show. */
export interface Controls {
  readonly on: boolean
  readonly mode: VoiceMode
  readonly canInterrupt: boolean
  readonly isReady: boolean
  readonly text: string
  readonly bad: boolean
}

/** Buttons, and the sentence above them. */
export function showControls({ on, mode, canInterrupt, isReady, text, bad }: Controls): void {
  element('voice-start').ariaPressed = String(on)
  setText('voice-start', on ? 'Stop' : 'Start talking')
  element<HTMLButtonElement>('voice-interrupt').disabled = !canInterrupt
  const hold = element<HTMLButtonElement>('voice-hold')
  hold.hidden = !on || mode !== 'push'
  hold.disabled = !isReady
  element('voice-status').toggleAttribute('data-bad', bad)
  setText('voice-status', text)
}

/** The button is held down. */
export function showPressed(isPressed: boolean): void {
  element('voice-hold').toggleAttribute('data-pressed', isPressed)
  setText('voice-hold', isPressed ? 'Let go to send' : 'Hold to talk')
}

/** 0 to 1; `idle`: it goes nowhere. */
export function showLevel(level: number, idle: boolean): void {
  const meter = element<HTMLMeterElement>('voice-level')
  meter.value = level
  meter.toggleAttribute('data-idle', idle)
}

const shown = new Map<string, HTMLLIElement>()

/** What was said. A line that is there is changed, not made anew, so that screen readers read it once. */
export function showLines(lines: readonly Line[]): void {
  const list = element<HTMLOListElement>('voice-lines')
  list.hidden = lines.length === 0
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40
  for (const [id, row] of shown)
    if (!lines.some((line) => line.id === id)) {
      row.remove()
      shown.delete(id)
    }
  for (const line of lines) showLine(list, line)
  if (atEnd) list.scrollTop = list.scrollHeight
}

function showLine(list: HTMLOListElement, { id, who, text, heard, state }: Line): void {
  const row = shown.get(id) ?? makeRow(list, id, who)
  row.dataset.state = state
  const [said, ahead] = row.children as unknown as [HTMLElement, HTMLElement]
  if (said.textContent !== text.slice(0, heard)) said.textContent = text.slice(0, heard)
  if (ahead.textContent !== text.slice(heard)) ahead.textContent = text.slice(heard)
}

function makeRow(list: HTMLOListElement, id: string, who: Line['who']): HTMLLIElement {
  const row = document.createElement('li')
  row.dataset.who = who
  const ahead = document.createElement('span')
  ahead.className = 'ahead'
  row.append(document.createElement('span'), ahead)
  shown.set(id, row)
  list.append(row)
  return row
}

/** How long the parts of the last turn took. */
export function showTimes(times: TurnTimes): void {
  const inAll = times.heard === undefined ? undefined : times.heard + (times.turnEnd ?? 0)
  element('voice-times').hidden = Object.keys(times).length === 0 && element('voice-times').hidden
  setText('voice-turn-end', milliseconds(times.turnEnd))
  setText('voice-transcript', milliseconds(times.transcript))
  setText('voice-first-words', milliseconds(times.firstWords))
  setText('voice-first-sound', milliseconds(times.firstSound))
  setText('voice-in-all', milliseconds(inAll))
  setText('voice-tokens', times.tokensPerSecond?.toFixed(1) ?? '–')
}

function milliseconds(value: number | undefined): string {
  return value === undefined ? '–' : `${Math.round(value)} ms`
}

/** Who answers; empty hides it. */
export function showAnswerers(text: string): void {
  element('voice-models').hidden = text === ''
  setText('voice-models', text)
}

/** The same page over https; undefined hides it. */
export function showSecureAddress(url: string | undefined): void {
  element('voice-hint').hidden = url === undefined
  if (url !== undefined) element<HTMLAnchorElement>('voice-secure').href = url
}
