import type { Topic } from './choice.ts'

/** The server wants a token, or does not take the one it got. */
export class NotAllowed extends Error {}

const deadlineMs = 8000

interface Pipeline {
  readonly name: string
  readonly streams: readonly { readonly name: string; readonly source: string }[]
}

/** Topics of all pipelines, with the sources that they began in. Throws `NotAllowed`, or an error of the network. */
export async function fetchTopics(): Promise<Topic[]> {
  const [topics, pipelines] = await Promise.all([getJson('api/topics'), getJson('api/pipelines')])
  const sources = new Map<string, string>()
  for (const { name, streams } of pipelines as Pipeline[])
    for (const stream of streams) sources.set(`${name}/${stream.name}`, stream.source)
  return (topics as Topic[]).map((topic) => {
    const source = sources.get(topic.topic)
    return source === undefined ? topic : { ...topic, source }
  })
}

/** What the server answers at `path`, relative to this page. Throws `NotAllowed`, or an error of the network. */
export async function getJson(path: string): Promise<unknown> {
  const response = await fetch(new URL(path, document.baseURI), { signal: AbortSignal.timeout(deadlineMs) })
  if (response.status === 401 || response.status === 403) throw new NotAllowed('The server wants an access token.')
  if (!response.ok) throw new Error(`Expected ${path} to answer 200, received ${response.status}`)
  return response.json()
}

/** Where the WebSocket of this page's server is. */
export function socketUrl(): string {
  return webSocketUrl('ws')
}

/** Where it speaks the Realtime protocol. */
export function voiceUrl(): string {
  return webSocketUrl('api/voice')
}

function webSocketUrl(path: string): string {
  return new URL(path, document.baseURI).href.replace(/^http/, 'ws')
}

/** Keeps a token that came in the address, and takes it out of the address bar and the history. */
export function keepTokenOfAddress(): void {
  const url = new URL(location.href)
  const token = url.searchParams.get('token')
  if (token === null) return
  keepToken(token)
  url.searchParams.delete('token')
  history.replaceState(null, '', url)
}

/** A cookie, because the browser sends it by itself with pages, requests and WebSockets of this server. */
export function keepToken(token: string): void {
  const secure = location.protocol === 'https:' ? '; Secure' : ''
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API needs a secure context, and this page may come over http
  document.cookie = `hailstream_token=${encodeURIComponent(token)}; Path=/; Max-Age=31536000; SameSite=Strict${secure}`
}
