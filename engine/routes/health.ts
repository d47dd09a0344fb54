import type { Hono } from 'hono'
import { z } from 'zod'
import type { StreamStatus } from '../core/running-stream.ts'
import type { DefaultModel } from '../inference/default-model.ts'
import type { LoadedModelStatus } from '../inference/vision-model-status.ts'
import { createRoutes, houseFailure, refuseOtherMethods } from './answer.ts'
import { describeRoutes, type Operation } from './operation.ts'

/** What `GET /api/health` answers. */
export interface Health {
  readonly status: 'ok' | 'degraded' | 'error'
  readonly version: string
  readonly uptime_s: number
  readonly models_loaded: readonly string[]
  /** Proportional set size of all processes. */
  readonly memory_used_mb: number
  readonly device_memory_used_mb: number | null
  readonly clockSteps: number
  readonly load: LoadHealth
  /** What the engine lacks of its surroundings; empty when nothing. */
  readonly problems: readonly ProblemHealth[]
  readonly skippedModels: readonly string[]
  readonly devices: Readonly<Record<string, DeviceHealth>>
  readonly models: readonly LoadedModelStatus[]
  /** What answers who names no model, by task. */
  readonly defaults: Readonly<Record<string, DefaultModel>>
  readonly jobs: JobsHealth
  readonly pipelines: readonly PipelineHealth[]
  readonly hosts: readonly HostHealth[]
  /** The port that speaks TLS; null: there is none. */
  readonly tls: TlsHealth | null
}

/** Where TLS is spoken, and by which certificate. */
export interface TlsHealth {
  readonly port: number
  readonly selfSigned: boolean
  /** Host names and addresses that the certificate stands for. */
  readonly names: readonly string[]
  /** SHA-256, as browsers show it. */
  readonly fingerprint: string
  /** Unix ms. */
  readonly validTo: number
  /** The one that the engine made, for clients that shall trust it. */
  readonly file?: string
}

/** How the queue of jobs is, and how much of it is kept. */
export interface JobsHealth {
  /** `slow`: its database has not answered just now. */
  readonly state: 'starting' | 'ready' | 'slow' | 'failed'
  readonly reason?: string
  /** By status; empty while nobody knows. */
  readonly counts: Readonly<Record<string, number>>
  /** Of inputs that wait, and of results; null while nobody knows. */
  readonly bytes: number | null
  /** Jobs that may wait, jobs that are kept after their end and for how long, and bytes of all. */
  readonly limits: JobsLimits | null
}

/** Bounds of the queue. */
export interface JobsLimits {
  readonly waiting: number
  readonly kept: number
  readonly seconds: number
  readonly bytes: number
}

/** How busy and warm the machine is, and what is slowed for it: nothing (`normal`), `batch`, or `live` streams as well. */
export interface LoadHealth {
  readonly level: number
  readonly name: string
  /** Share of the whole machine over the last second, 0 to 1; null before it is known. */
  readonly cpu: number | null
  /** Of the processor, in °C; null where there is no sensor. */
  readonly temperature: number | null
}

/** What can run out, or change, around the engine. */
export type ProblemName =
  | 'disk'
  | 'memory'
  | 'processes'
  | 'descriptors'
  | 'clock'
  | 'log'
  | 'heat'
  | 'port'
  | 'certificate'

/** One thing that is wrong around the engine, since when. */
export interface ProblemHealth {
  readonly name: ProblemName
  /** What was found, and what to do. */
  readonly detail: string
  /** Unix ms. */
  readonly since: number
}

/** Whether an accelerator can be used, and why not. */
export interface DeviceHealth {
  readonly state: 'ready' | 'absent' | 'failed' | 'recovering'
  readonly reason?: string
  /** It is the stand-in; absent means false. */
  readonly simulated?: boolean
  /** Of HailoRT, `5.2.0`. */
  readonly library?: string
  readonly board?: string
  readonly architecture?: string
  readonly firmware?: string
  /** °C; null where the board has no sensor. */
  readonly temperature?: number | null
  /** For all models of all processes, in MB (10⁶ bytes). */
  readonly memory_used_mb?: number | null
  readonly memory_total_mb?: number | null
  /** The last alarm that it told, with its value: `throttling 3`. */
  readonly notice?: string
}

/** A pipeline with its streams. */
export interface PipelineHealth {
  readonly name: string
  readonly state: string
  /** Why it does not run; absent while it does. */
  readonly error?: string
  readonly streams: readonly StreamStatus[]
}

/** A child process of the engine. */
export interface HostHealth {
  readonly name: string
  readonly pid: number | null
  readonly state: string
  readonly restarts: number
}

/** What clients of single services read of `/health`. */
export interface ServiceHealth {
  /** That recognises; null where none does. */
  readonly model: string | null
  /** Whether something can be recognised or spoken. */
  readonly model_loaded: boolean
  readonly uptime_seconds: number
}

/** `/api/health` and `/health`, which tells more. 200 while ok or degraded, 503 on error. */
export function healthRoutes(health: () => Health | Promise<Health>, service: () => Promise<ServiceHealth>): Hono {
  const app = createRoutes()
  for (const path of ['/api/health', '/health']) {
    app.get(path, async () => {
      const [body, more] = await Promise.all([health(), path === '/health' ? service() : {}])
      return Response.json(
        { ...body, ...more },
        {
          status: body.status === 'error' ? 503 : 200,
          headers: { 'cache-control': 'no-store' },
        },
      )
    })
    refuseOtherMethods(app, path, 'GET, HEAD')
  }
  return describeRoutes(app, {
    name: 'Health',
    failure: houseFailure,
    operations: ['/api/health', '/health'].map(describeHealth),
  })
}

const healthSchema = z.looseObject({
  status: z.enum(['ok', 'degraded', 'error']),
  version: z.string(),
  uptime_s: z.number(),
  models_loaded: z.array(z.string()),
  memory_used_mb: z.number().describe('Proportional set size of all processes'),
  device_memory_used_mb: z.number().nullable(),
  clockSteps: z.number().int().describe('How often the wall clock was set'),
  load: z.looseObject({ level: z.number().int(), name: z.string() }),
  problems: z.array(z.strictObject({ name: z.string(), detail: z.string(), since: z.number() })),
  skippedModels: z.array(z.string()),
  devices: z.record(z.string(), z.looseObject({ state: z.enum(['ready', 'absent', 'failed', 'recovering']) })),
  models: z.array(z.looseObject({ name: z.string(), task: z.string(), backend: z.string(), state: z.string() })),
  defaults: z.record(
    z.string(),
    z.strictObject({ name: z.string().nullable(), backend: z.string().nullable(), why: z.string() }),
  ),
  jobs: z.looseObject({
    state: z.enum(['starting', 'ready', 'slow', 'failed']),
    counts: z.record(z.string(), z.number().int()),
    bytes: z.number().nullable(),
    limits: z
      .looseObject({})
      .nullable()
      .describe('How many jobs wait and are kept at most, for how many seconds, and bytes'),
  }),
  pipelines: z.array(z.looseObject({ name: z.string(), state: z.string(), streams: z.array(z.looseObject({})) })),
  hosts: z.array(
    z.looseObject({ name: z.string(), pid: z.number().int().nullable(), state: z.string(), restarts: z.number() }),
  ),
  tls: z.looseObject({ port: z.number().int(), selfSigned: z.boolean(), names: z.array(z.string()) }).nullable(),
})

const serviceShape = {
  model: z.string().nullable().describe('That recognises'),
  model_loaded: z.boolean().describe('Whether something can be recognised or spoken'),
  uptime_seconds: z.number(),
}

function describeHealth(path: string): Operation {
  const content = {
    'application/json': { schema: path === '/health' ? healthSchema.extend(serviceShape) : healthSchema },
  }
  return {
    method: 'get',
    path,
    summary: 'How the engine is: devices, models, pipelines, processes',
    answers: {
      200: { summary: 'It is ok or degraded', content },
      503: { summary: 'It cannot do its work', content },
    },
    failures: [],
  }
}
