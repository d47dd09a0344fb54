import type { ResultMessage } from '../engine/streams/wire.ts'
import type { Topic } from './choice.ts'

/** What covers the stage. `busy` turns the spinner. */
export interface Notice {
  readonly text: string
  readonly busy: boolean
  readonly askToken?: boolean
}

/** A topic that can be drawn on the picture. */
export interface Overlay {
  readonly topic: Topic
  readonly on: boolean
}

/** The page's element of this id, which index.html has. */
export function element<E extends HTMLElement>(id: string): E {
  return document.getElementById(id) as E
}

/** Shows text without touching the document when nothing has changed, so that screen readers stay calm. */
export function setText(id: string, text: string): void {
  const target = element(id)
  if (target.textContent !== text) target.textContent = text
}

/** Says how the connection is. */
export function showConnection(state: 'connecting' | 'open' | 'waiting' | 'closed' | 'refused'): void {
  const words = {
    connecting: 'Connecting',
    open: 'Live',
    waiting: 'Reconnecting',
    closed: 'Closed',
    refused: 'No access',
  }
  element('connection').dataset.state = state
  setText('connection', words[state])
}

/** A sentence over the stage; undefined takes it away. */
export function showNotice(notice: Notice | undefined): void {
  element('notice').hidden = notice === undefined
  element('stage').toggleAttribute('data-covered', notice !== undefined)
  if (notice === undefined) return
  setText('notice-text', notice.text)
  element('notice').toggleAttribute('data-still', !notice.busy)
  element('token-form').hidden = notice.askToken !== true
}

/** A short remark on the picture; undefined takes it away. */
export function showMark(text: string | undefined): void {
  element('mark').hidden = text === undefined
  setText('mark', text ?? '')
}

/** Fills both selects; the pipelines are those that publish a picture. */
export function showPictures(topics: readonly Topic[], picture: Topic | undefined): void {
  const images = topics.filter((topic) => topic.kind === 'image')
  const pipelines = [...new Set(images.map((topic) => topic.pipeline))]
  const streams = images.filter((topic) => topic.pipeline === picture?.pipeline)
  fillSelect(
    element('pipeline'),
    pipelines.map((name) => [name, name]),
    picture?.pipeline,
  )
  fillSelect(
    element('stream'),
    streams.map((topic) => [topic.topic, topic.stream]),
    picture?.topic,
  )
}

function fillSelect(select: HTMLSelectElement, entries: readonly (readonly [string, string])[], chosen = ''): void {
  select.replaceChildren(...entries.map(([value, text]) => new Option(text, value)))
  select.value = chosen
  select.disabled = entries.length === 0
}

/** One switch for each overlay. `changed` hears the user. */
export function showOverlays(overlays: readonly Overlay[], changed: (topic: string, on: boolean) => void): void {
  const rows = overlays.map(({ topic, on }) => {
    const row = document.createElement('label')
    row.className = 'overlay'
    const box = Object.assign(document.createElement('input'), { type: 'checkbox', checked: on, name: topic.topic })
    box.setAttribute('role', 'switch')
    box.addEventListener('change', () => changed(topic.topic, box.checked))
    row.append(
      span('name', topic.stream),
      span('by', '', `by-${topic.topic}`),
      span('count', '', `count-${topic.topic}`),
      box,
    )
    return row
  })
  const none = Object.assign(document.createElement('p'), { className: 'quiet', textContent: 'None for this picture' })
  element('overlays').replaceChildren(...(rows.length > 0 ? rows : [none]))
}

function span(className: string, text: string, id = ''): HTMLSpanElement {
  return Object.assign(document.createElement('span'), { className, textContent: text, id })
}

/** Numbers of the figures under the picture; undefined shows a dash. */
export function showFigures(figures: Readonly<Record<'rate' | 'latency' | 'missed', number | undefined>>): void {
  setText('rate', figures.rate?.toFixed(figures.rate < 9.95 ? 1 : 0) ?? '–')
  setText('latency', figures.latency?.toFixed(0) ?? '–')
  setText('missed', figures.missed?.toLocaleString('en') ?? '–')
}

/** The latest results as JSON, coordinates rounded for reading. Costs nothing while the panel is closed. */
export function showData(results: Iterable<ResultMessage>): void {
  if (!element<HTMLDetailsElement>('details').open) return
  const all = [...results]
  const round = (_: string, value: unknown) => (typeof value === 'number' ? Math.round(value * 100) / 100 : value)
  setText(
    'data',
    all.length > 0 ? all.map((result) => JSON.stringify(result, round, 1)).join('\n\n') : 'No results yet',
  )
}

/** The button that sends the camera, and what is said beside it. */
export function showCamera(state: {
  readonly can: boolean
  readonly on: boolean
  readonly text: string
  readonly bad: boolean
}): void {
  const button = element<HTMLButtonElement>('camera')
  button.disabled = !state.can
  button.ariaPressed = String(state.on)
  setText('camera', state.on ? 'Stop sending' : 'Send my camera')
  element('camera-status').toggleAttribute('data-bad', state.bad)
  setText('camera-status', state.text)
}
