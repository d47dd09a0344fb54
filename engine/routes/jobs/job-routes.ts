import type { Hono } from 'hono'
import type { z } from 'zod'
import { EngineError } from '../../errors.ts'
import type { JobQueue } from '../../jobs/job-queue.ts'
import { answer, createRoutes, refuseOtherMethods } from '../answer.ts'
import { describeRoutes } from '../operation.ts'
import { WrongUpload } from '../upload.ts'
import { describeJob, describeOutcomes } from './job-answer.ts'
import { readJobBody } from './job-body.ts'
import { type JobChecks, toJob } from './job-request.ts'
import { jobGroup, listSchema } from './operations.ts'

/** What the routes ask. */
export interface JobParts extends JobChecks {
  /** Rejects with `unavailable` where there is none. */
  readonly queue: () => Promise<JobQueue>
  /** Where uploads lie until they are in the queue. */
  readonly uploads: string
}

/** Paths here whose forms hold files: the server hands them over while they arrive. */
export const jobUploadPaths = ['/api/infer'] as const

const uncached = { headers: { 'cache-control': 'no-store' } }

/**
 * `POST /api/infer` (a prompt for a `model`, a picture for a `task`, or audio; or lists of them) → 202 `{"job_id","status":"queued"}`.
 * `GET /api/infer/{id}` → how far it is, and its result. `DELETE` cancels it. `GET /api/infer` lists jobs, the newest first.
 */
export function jobRoutes(parts: JobParts): Hono {
  const { queue } = parts
  const app = createRoutes()
  app.post('/api/infer', ({ req }) => submit(parts, req.raw))
  app.get('/api/infer', async ({ req }) => {
    const { status, limit } = readQuery(req.query())
    const jobs = await (await queue()).list(status ?? null, limit)
    return Response.json({ jobs: jobs.map(describeJob) }, uncached)
  })
  app.get('/api/infer/:id', async ({ req }) => {
    const { job, outcomes } = await (await queue()).find(req.param('id'))
    return Response.json({ ...describeJob(job), ...describeOutcomes(job, outcomes) }, uncached)
  })
  app.delete('/api/infer/:id', async ({ req }) =>
    Response.json(describeJob(await (await queue()).cancel(req.param('id')))),
  )
  refuseOtherMethods(app, '/api/infer', 'GET, HEAD, POST')
  refuseOtherMethods(app, '/api/infer/:id', 'GET, HEAD, DELETE')
  return describeRoutes(app, jobGroup)
}

async function submit(parts: JobParts, request: Request): Promise<Response> {
  try {
    const job = await toJob(await readJobBody(request, parts.uploads), parts)
    const { id, status } = await (await parts.queue()).submit(job)
    return Response.json({ job_id: id, status }, { status: 202, headers: { location: `/api/infer/${id}` } })
  } catch (error) {
    if (error instanceof WrongUpload) return answer(415, 'invalid', error.message)
    throw error
  }
}

function readQuery(query: Record<string, string>): z.output<typeof listSchema> {
  const { token: _, ...given } = query
  const parsed = listSchema.safeParse(given)
  if (parsed.success) return parsed.data
  throw new EngineError(
    'invalid',
    parsed.error.issues.map(({ path, message }) => [...path, message].join(': ')).join('; '),
  )
}
