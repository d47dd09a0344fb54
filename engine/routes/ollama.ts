import { Hono } from 'hono'
import type { Clock } from '../core/clock.ts'
import { EngineError } from '../errors.ts'
import type { Language } from '../inference/language.ts'
import type { ModelLibrary } from '../inference/model-library.ts'
import { answerChat } from './ollama/chat.ts'
import { answerEmbed, answerEmbeddings } from './ollama/embed.ts'
import { answerError } from './ollama/errors.ts'
import { answerGenerate } from './ollama/generate.ts'
import { answerPs, answerShow, answerTags } from './ollama/models.ts'
import { ollamaGroup, rootGroup } from './ollama/operations.ts'
import { answerCopy, answerDelete, answerPull } from './ollama/upkeep.ts'
import { describeRoutes } from './operation.ts'

/** What Ollama's routes ask. */
export interface OllamaParts {
  readonly language: Language
  readonly library: ModelLibrary
  readonly clock: Clock
  /** Ours, which `/api/version` tells. */
  readonly version: string
}

type Answer = (request: Request) => Response | Promise<Response>

/**
 * Ollama's API. Every field is honoured or refused with 400. What the engine has no use for (`/api/create`, `/api/push`, blobs)
 * answers 501.
 */
export function ollamaRoutes({ language, library, clock, version }: OllamaParts): Hono {
  const app = new Hono().onError((error) => {
    if (error instanceof EngineError) return answerError(error)
    throw error
  })
  const generation = { language, clock }
  const lists = { ...generation, copies: () => library.copies() }
  route(app, 'GET', '/api/version', () => Response.json({ version }))
  route(app, 'GET', '/api/tags', () => answerTags(lists))
  route(app, 'GET', '/api/ps', () => answerPs(lists))
  route(app, 'POST', '/api/show', (request) => answerShow(lists, request))
  route(app, 'POST', '/api/chat', (request) => answerChat(generation, request))
  route(app, 'POST', '/api/generate', (request) => answerGenerate(generation, request))
  route(app, 'POST', '/api/embed', (request) => answerEmbed(generation, request))
  route(app, 'POST', '/api/embeddings', (request) => answerEmbeddings(generation, request))
  route(app, 'POST', '/api/pull', (request) => answerPull(library, request))
  route(app, 'POST', '/api/copy', (request) => answerCopy(library, request))
  route(app, 'DELETE', '/api/delete', (request) => answerDelete(library, request))
  for (const path of ['/api/create', '/api/push', '/api/blobs/:digest'])
    app.all(path, ({ req }) => refuse(501, noSuch(req.path)))
  return describeRoutes(app, ollamaGroup)
}

/** `GET /` and `HEAD /` of Ollama's own port, by which clients see whether it is there. */
export function ollamaRoot(): Hono {
  const app = new Hono().get('/', ({ text }) => text('Ollama is running'))
  return describeRoutes(app, rootGroup)
}

function route(app: Hono, method: 'GET' | 'POST' | 'DELETE', path: string, answer: Answer): void {
  app.on(method, path, ({ req }) => answer(req.raw))
  const allow = method === 'GET' ? 'GET, HEAD' : method
  app.all(path, ({ req }) => refuse(405, `Expected ${allow}, received ${req.method}`, { allow }))
}

function refuse(status: number, error: string, headers: Record<string, string> = {}): Response {
  return Response.json({ error }, { status, headers })
}

function noSuch(path: string): string {
  return `${path}: models come from the catalogue and are neither built nor published here. Expected /api/pull or /api/copy`
}
