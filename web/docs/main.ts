import { getJson, keepToken, keepTokenOfAddress, NotAllowed } from '../server-api.ts'
import { element } from '../view.ts'
import type { AsyncApi, OpenApi } from './document.ts'
import { make } from './make.ts'
import { viewChannel, viewOperation } from './operation-view.ts'

const topicsHeading = 'Topics over WebSockets'

/** The page stands at `docs` and at `docs/`: from both, this is where the engine's root is. */
const root = '../'

keepTokenOfAddress()
element('token-form').addEventListener('submit', (event) => {
  event.preventDefault()
  keepToken(element<HTMLInputElement>('token').value.trim())
  location.reload()
})
element('filter').addEventListener('input', filter)
addEventListener('hashchange', openNamed)

try {
  const [openApi, asyncApi] = await Promise.all([getJson(`${root}openapi.json`), getJson(`${root}asyncapi.json`)])
  show(openApi as OpenApi, asyncApi as AsyncApi)
} catch (error) {
  element('status').textContent = error instanceof Error ? error.message : String(error)
  element('token-form').hidden = !(error instanceof NotAllowed)
}

function show(openApi: OpenApi, asyncApi: AsyncApi): void {
  element('version').textContent = openApi.info.version
  element('status').textContent = openApi.info.description
  for (const { name } of openApi.tags) {
    const operations = Object.entries(openApi.paths).flatMap(([path, methods]) =>
      Object.entries(methods)
        .filter(([, { tags }]) => tags.includes(name))
        .map(([method, operation]) => viewOperation(method, path, operation, openApi.components.schemas)),
    )
    addGroup(name, operations)
  }
  addGroup(
    topicsHeading,
    Object.entries(asyncApi.channels).map(([id, channel]) => viewChannel(id, channel, asyncApi)),
  )
  openNamed()
}

function addGroup(name: string, operations: readonly HTMLElement[]): void {
  const section = make('section', '', make('h2', '', name), ...operations)
  section.id = `group-${name.replace(/\W+/g, '-').toLowerCase()}`
  const link = make('a', '', name)
  link.href = `#${section.id}`
  element('groups').append(link)
  element('operations').append(section)
}

/** Hides what has none of the words. */
function filter(): void {
  const words = element<HTMLInputElement>('filter').value.toLowerCase().split(/\s+/)
  for (const section of element('operations').querySelectorAll('section')) {
    const operations = [...section.querySelectorAll<HTMLElement>('.operation')]
    const group = section.querySelector('h2')?.textContent ?? ''
    for (const operation of operations) {
      const text = `${group} ${operation.querySelector('summary')?.textContent}`.toLowerCase()
      operation.hidden = !words.every((word) => text.includes(word))
    }
    section.hidden = operations.every(({ hidden }) => hidden)
  }
}

/** Opens the operation that the address names. */
function openNamed(): void {
  const named = document.getElementById(decodeURIComponent(location.hash.slice(1)))
  if (named instanceof HTMLDetailsElement) named.open = true
  named?.scrollIntoView()
}
