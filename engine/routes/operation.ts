import type { Hono } from 'hono'
import type { z } from 'zod'

/** What lies in a body of one media type. Without a schema: bytes, or text that no schema describes. */
export interface Content {
  readonly schema?: z.ZodType
  /** One that the schema takes; documents show it, and make of it the command to try it by. */
  readonly example?: unknown
}

/** A body by its media type. */
export type Contents = Readonly<Record<string, Content>>

/** A good answer of one status. */
export interface Answer {
  readonly summary: string
  /** Left out: no body. */
  readonly content?: Contents
}

/** One method of one path, as the documents of the API tell it. */
export interface Operation {
  readonly method: 'get' | 'post' | 'patch' | 'delete'
  /** As Hono has it: `/api/infer/:id`. */
  readonly path: string
  /** A few words, without a full stop. */
  readonly summary: string
  /** What is not to be seen in the schemas. */
  readonly detail?: string
  /** What each part of the path means; every one is there. */
  readonly places?: Readonly<Record<string, string>>
  readonly query?: z.ZodObject
  readonly body?: Contents
  readonly answers: Readonly<Record<number, Answer>>
  /** Statuses of failures that a client of this one should be ready for; others may come as well. */
  readonly failures: readonly number[]
}

/** How a family of routes tells a failure. */
export interface FailureBody {
  /** Unlike that of any other family. */
  readonly name: string
  readonly schema: z.ZodType
}

/** Routes that belong together, all described. */
export interface RouteGroup {
  /** A heading. */
  readonly name: string
  readonly failure: FailureBody
  readonly operations: readonly Operation[]
}

const groups = new WeakMap<Hono, RouteGroup>()

/** Says what these routes are; returns the same app. A route that is not described fails a test. */
export function describeRoutes(app: Hono, group: RouteGroup): Hono {
  groups.set(app, group)
  return app
}

/** What was said of these routes; undefined when nothing was. */
export function groupOf(app: Hono): RouteGroup | undefined {
  return groups.get(app)
}
