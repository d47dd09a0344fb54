import type { Hono } from 'hono'
import { z } from 'zod'
import { EngineError, messageOf } from '../errors.ts'
import { type ModelDescription, toMb } from '../inference/model-list.ts'
import { createRoutes, houseFailure, refuseOtherMethods } from './answer.ts'
import { describeRoutes, type Operation } from './operation.ts'

/** One memory that models share. MB are 10⁶ bytes. */
export interface MemoryUse {
  readonly budget_mb: number | null
  /** What the loaded models take, as measured. */
  readonly used_mb: number
}

/** A model that takes memory. */
export interface ResidentModel {
  readonly name: string
  readonly backend: string
  readonly memory: 'host' | 'device'
  readonly state: string
  readonly memory_mb: number
  readonly pinned: boolean
  /** Who uses it. */
  readonly users: readonly string[]
}

/** What `GET /api/list-resources` answers. */
export interface Resources {
  /** null where there is no such memory. */
  readonly memory: { readonly host: MemoryUse; readonly device: MemoryUse | null }
  /** The least recently used first: in this order they make room for others, but for those that are pinned or in use. */
  readonly models: readonly ResidentModel[]
  readonly loads_waiting: number
  readonly hosts: readonly {
    readonly name: string
    readonly pid: number | null
    readonly state: string
    /** Proportional set size; null where it does not run. */
    readonly memory_mb: number | null
  }[]
  /** `load`: of the last 1, 5 and 15 minutes. `temperature_c`: of the processor; null where there is no sensor. */
  readonly cpu: { readonly count: number; readonly load: readonly number[]; readonly temperature_c: number | null }
  /** Of the state folder. */
  readonly disk: { readonly path: string; readonly free_mb: number; readonly total_mb: number } | null
}

/** What the routes ask. */
export interface ModelsParts {
  readonly list: () => Promise<readonly ModelDescription[]>
  /** Throws `not-found` for a model that the catalogue lacks, and `conflict` while it is in use. Bytes. */
  readonly unload: (model: string) => Promise<{ readonly unloaded: boolean; readonly bytes: number }>
  readonly resources: () => Promise<Resources>
}

const unloadSchema = z.strictObject({ model: z.string().min(1) })

/**
 * `GET /api/models`: every model of the catalogue. `GET /api/list-resources`: who holds which memory. `POST /api/unload {"model"}` →
 * `{"model", "unloaded", "freed_mb"}`: false when it was not loaded; 404 for an unknown one, 409 while somebody uses it. A pinned
 * model is unloaded as well, since somebody asks for just that; the next question loads it again.
 */
export function modelRoutes({ list, unload, resources }: ModelsParts): Hono {
  const app = createRoutes()
  const uncached = { headers: { 'cache-control': 'no-store' } }
  app.get('/api/models', async () => Response.json(await list(), uncached))
  app.get('/api/list-resources', async () => Response.json(await resources(), uncached))
  app.post('/api/unload', async ({ req }) => {
    const { model } = await readUnload(req.raw)
    const { unloaded, bytes } = await unload(model)
    return Response.json({ model, unloaded, freed_mb: toMb(bytes) })
  })
  for (const path of ['/api/models', '/api/list-resources']) refuseOtherMethods(app, path, 'GET, HEAD')
  refuseOtherMethods(app, '/api/unload', 'POST')
  return describeRoutes(app, { name: 'Models', failure: houseFailure, operations })
}

const memoryUse = z.strictObject({ budget_mb: z.number().nullable(), used_mb: z.number() })
const resourcesSchema = z.looseObject({
  memory: z.strictObject({ host: memoryUse, device: memoryUse.nullable() }),
  models: z.array(
    z.looseObject({ name: z.string(), memory: z.enum(['host', 'device']), memory_mb: z.number(), pinned: z.boolean() }),
  ),
  loads_waiting: z.number().int(),
})
const modelsSchema = z.array(
  z.looseObject({
    name: z.string(),
    task: z.string(),
    backend: z.string(),
    state: z.string(),
    why: z.string().describe('Why this backend, and where its files are'),
    licence: z.string(),
    memory_mb: z.number().nullable(),
    in_use: z.number().int(),
    keep_alive: z.number().describe('Seconds that it stays unused; -1 for ever'),
  }),
)
const unloadedSchema = z.strictObject({ model: z.string(), unloaded: z.boolean(), freed_mb: z.number() })

const operations: readonly Operation[] = [
  {
    method: 'get',
    path: '/api/models',
    summary: 'Every model of the catalogue, and how it is here',
    answers: { 200: { summary: 'The models', content: { 'application/json': { schema: modelsSchema } } } },
    failures: [],
  },
  {
    method: 'get',
    path: '/api/list-resources',
    summary: 'Who holds which memory',
    answers: {
      200: { summary: 'Memory, processor, disk', content: { 'application/json': { schema: resourcesSchema } } },
    },
    failures: [],
  },
  {
    method: 'post',
    path: '/api/unload',
    summary: 'Takes a model out of memory; the next question loads it again',
    body: { 'application/json': { schema: unloadSchema, example: { model: 'yolov8n' } } },
    answers: { 200: { summary: 'What was freed', content: { 'application/json': { schema: unloadedSchema } } } },
    failures: [400, 404, 409],
  },
]

async function readUnload(request: Request): Promise<z.output<typeof unloadSchema>> {
  const body = await request.json().catch((error: unknown) => {
    throw new EngineError('invalid', `Expected a body of JSON, {"model": "<name>"}: ${messageOf(error)}`)
  })
  const parsed = unloadSchema.safeParse(body)
  if (parsed.success) return parsed.data
  throw new EngineError('invalid', `Expected {"model": "<name>"}, received ${JSON.stringify(body).slice(0, 200)}`)
}
