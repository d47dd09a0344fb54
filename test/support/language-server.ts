import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request as a scripted server got it. */
export interface Received {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  // biome-ignore lint/suspicious/noExplicitAny: tests look at whatever was sent
  readonly body: any
}

/** Answers one request: writes what the server is to say. */
export type Script = (request: Received, response: ServerResponse) => void | Promise<void>

/** A server of language models that does as it is told, by path. */
export interface LanguageServer extends AsyncDisposable {
  readonly url: string
  readonly received: readonly Received[]
  /** Requests whose connection the client closed before their end. */
  readonly hungUp: () => number
  /** From now on requests of this path are answered so. */
  on(path: string, script: Script): void
}

/** Starts on a free port; a path without a script is 404, as Ollama says it. */
export async function startLanguageServer(): Promise<LanguageServer> {
  const scripts = new Map<string, Script>()
  const received: Received[] = []
  let hungUp = 0
  const server = createServer(async (request, response) => {
    const asked = await receive(request)
    received.push(asked)
    response.on('close', () => {
      if (!response.writableEnded) hungUp++
    })
    const script = scripts.get(asked.path)
    if (script) await script(asked, response)
    else sendJson(response, { error: `path '${asked.path}' not found` }, 404)
  })
  await listen(server)
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    hungUp: () => hungUp,
    on: (path, script) => void scripts.set(path, script),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** One JSON document. */
export function sendJson(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

/** One JSON document a line, as Ollama streams. */
export function sendLines(response: ServerResponse, values: readonly unknown[]): void {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' })
  response.end(values.map((value) => `${JSON.stringify(value)}\n`).join(''))
}

/** Events, as OpenAI streams. */
export function sendEvents(response: ServerResponse, values: readonly unknown[], end = 'data: [DONE]\n\n'): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.end(`${values.map((value) => `data: ${JSON.stringify(value)}\n\n`).join('')}${end}`)
}

async function receive(request: IncomingMessage): Promise<Received> {
  let text = ''
  request.setEncoding('utf8')
  for await (const part of request) text += part
  const { method = '', url: path = '', headers } = request
  return { method, path, headers, body: text === '' ? undefined : JSON.parse(text) }
}

async function listen(server: Server): Promise<void> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
}
