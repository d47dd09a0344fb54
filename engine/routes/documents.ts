import type { Hono } from 'hono'
import { z } from 'zod'
import { createRoutes, type FailureBodies, houseFailure, joinRoutes, refuseOtherMethods } from './answer.ts'
import { type AsyncApiParts, toAsyncApi } from './documents/asyncapi.ts'
import { toOpenApi } from './documents/openapi.ts'
import { describeRoutes, groupOf, type RouteGroup } from './operation.ts'

/** What the documents tell beside the routes. */
export interface DocumentParts extends Pick<AsyncApiParts, 'version' | 'socket'> {
  readonly topics: () => AsyncApiParts['topics']
  /** For paths that no route knows. */
  readonly errorBody?: FailureBodies
}

const document = { 'application/json': { schema: z.looseObject({ info: z.looseObject({ version: z.string() }) }) } }
const own: RouteGroup = {
  name: 'Documents',
  failure: houseFailure,
  operations: [
    {
      method: 'get',
      path: '/openapi.json',
      summary: 'This document: every route, OpenAPI 3.1',
      answers: { 200: { summary: 'The document', content: document } },
      failures: [],
    },
    {
      method: 'get',
      path: '/asyncapi.json',
      summary: 'Every topic over WebSockets, AsyncAPI 3.0',
      answers: { 200: { summary: 'The document, with the topics that there are now', content: document } },
      failures: [],
    },
  ],
}

/** All routes as one, and `/openapi.json` and `/asyncapi.json`, which describe them. */
export function joinDescribed(parts: readonly Hono[], about: DocumentParts): Hono {
  return joinRoutes([...parts, documentRoutes(parts, about)], about.errorBody)
}

function documentRoutes(parts: readonly Hono[], { version, socket, topics }: DocumentParts): Hono {
  const groups = [...parts.map(groupOf).filter((group) => group !== undefined), own]
  const app = createRoutes()
  // The routes stay as they are: made at the first request, since most engines are never asked.
  let openApi: string | undefined
  app.get('/openapi.json', () => {
    openApi ??= JSON.stringify(toOpenApi(groups, version))
    return new Response(openApi, { headers })
  })
  app.get('/asyncapi.json', ({ req }) => {
    const { host, protocol } = new URL(req.url)
    const told = toAsyncApi({ version, socket, host, secure: protocol === 'https:', topics: topics() })
    return new Response(JSON.stringify(told), { headers })
  })
  for (const path of ['/openapi.json', '/asyncapi.json']) refuseOtherMethods(app, path, 'GET, HEAD')
  return describeRoutes(app, own)
}

const headers = { 'content-type': 'application/json', 'cache-control': 'no-cache' }
