import { Hono } from 'hono'
import { z } from 'zod'
import { EngineError, errorTable } from '../errors.ts'
import type { FailureBody } from './operation.ts'

/** Seconds after which a client may ask again. */
const retryAfterS = 1

/** CONTRACT's error body, for the documents. */
export const houseFailure: FailureBody = {
  name: 'HouseFailure',
  schema: z.strictObject({
    error: z.string().describe('Short, and always the same for one cause'),
    detail: z.string().describe('What was expected, what came, what to do'),
  }),
}

/** A Hono app whose handlers may throw `EngineError`; it answers with the house's error body. A bug passes on to the server. */
export function createRoutes(): Hono {
  return new Hono().onError((error) => {
    if (error instanceof EngineError) return answerError(error)
    throw error
  })
}

/** The body of a failure by its path, for those that no route tells. */
export type FailureBodies = (path: string, failure: { status: number; error: string; detail: string }) => unknown

/** All routes as one: what none of them knows is 404, in the words of the family that it would belong to. */
export function joinRoutes(
  parts: readonly Hono[],
  errorBody: FailureBodies = (_, { error, detail }) => ({ error, detail }),
): Hono {
  const app = createRoutes()
  for (const part of parts) app.route('/', part)
  return app.notFound(({ req: { path, method } }) => {
    const detail = `Expected a path of this engine, received ${method} ${path}. GET /openapi.json lists them`
    return Response.json(errorBody(path, { status: 404, error: 'not-found', detail }), { status: 404 })
  })
}

/** Last on its path: any other method is 405. */
export function refuseOtherMethods(app: Hono, path: string, allowed: string): void {
  app.all(path, ({ req }) => {
    const response = answer(405, 'invalid', `Expected ${allowed}, received ${req.method}`)
    response.headers.set('allow', allowed)
    return response
  })
}

/** The house’s error body for an expected failure, with `Retry-After` where the same request can succeed later. */
export function answerError(error: EngineError): Response {
  const { status, retry } = errorTable[error.code]
  const response = answer(status, error.code, error.message)
  if (retry) response.headers.set('retry-after', String(retryAfterS))
  return response
}

/** CONTRACT's error body. */
export function answer(status: number, error: string, detail: string): Response {
  return Response.json({ error, detail }, { status })
}
