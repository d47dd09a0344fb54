import { z } from 'zod'
import { houseFailure } from '../answer.ts'
import type { Operation, RouteGroup } from '../operation.ts'
import { languageSchema, transcriptionSchema, visionSchema } from './job-request.ts'

const status = z.enum(['queued', 'running', 'complete', 'failed', 'cancelled'])

/** Query of `GET /api/infer`. */
export const listSchema = z.strictObject({
  status: status.optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
})

const one = z.string().min(1)
const encoded = one.describe('Base64 or a data URL')
const many = (item: z.ZodString) => z.array(item).min(1).max(1000)
const transcription = transcriptionSchema.extend({ task: z.literal('transcribe').optional() })

/** A job in JSON: one input, or a list of them. */
const jobSchema = z.union([
  languageSchema.extend({ prompt: z.union([one, many(one)]) }),
  languageSchema.extend({ prompts: z.union([one, many(one)]) }),
  visionSchema.extend({ image: z.union([encoded, many(encoded)]) }),
  visionSchema.extend({ images: z.union([encoded, many(encoded)]) }),
  transcription.extend({ audio: z.union([encoded, many(encoded)]) }),
  transcription.extend({ audios: z.union([encoded, many(encoded)]) }),
])
/** A job as a form; `options` is JSON as text there. */
const optionsText = z.string().optional().describe('The options of the task, as JSON')
const visionForm = visionSchema.extend({ options: optionsText })
const formSchema = z.union([
  visionForm.extend({ image: z.file() }),
  visionForm.extend({ images: z.array(z.file()) }),
  transcription.extend({ audio: z.file() }),
  transcription.extend({ audios: z.array(z.file()) }),
])

const count = z.number().int().min(0)
const time = z.number().nullable().describe('Unix ms')
const job = {
  job_id: z.string(),
  status,
  kind: z.enum(['language', 'transcription', 'vision']),
  created_at: z.number().describe('Unix ms'),
  started_at: time,
  finished_at: time,
  progress: z.strictObject({ total: count, done: count, failed: count }),
  error: z.string().optional(),
  detail: z.string().optional(),
}

/** A job without its results. */
export const jobAnswerSchema = z.strictObject(job)

/** A job with its `result`, or for a list its `results`, and what belongs to them. */
export const jobResultSchema = z.looseObject({
  ...job,
  result: z.unknown().optional(),
  results: z.array(z.looseObject({}).nullable()).optional(),
})

/** What `POST /api/infer` answers. */
export const submittedSchema = z.strictObject({ job_id: z.string(), status })

const json = (schema: z.ZodType) => ({ 'application/json': { schema } })
const places = { id: 'As POST /api/infer answered it' }

const operations: readonly Operation[] = [
  {
    method: 'post',
    path: '/api/infer',
    summary: 'Puts work into the queue: prompts, pictures or audio, one or a list',
    detail: 'How far it is comes by GET, and as messages of the topic jobs/<id>. Jobs outlive a restart of the engine.',
    body: {
      'application/json': { schema: jobSchema, example: { model: 'qwen2.5:0.5b', prompts: ['Hello', 'Good morning'] } },
      'multipart/form-data': { schema: formSchema },
    },
    answers: { 202: { summary: 'It is queued', content: json(submittedSchema) } },
    failures: [400, 404, 413, 415, 503],
  },
  {
    method: 'get',
    path: '/api/infer',
    summary: 'Jobs, the newest first',
    query: listSchema,
    answers: { 200: { summary: 'The jobs', content: json(z.strictObject({ jobs: z.array(jobAnswerSchema) })) } },
    failures: [400, 503],
  },
  {
    method: 'get',
    path: '/api/infer/:id',
    summary: 'How far a job is, and its result',
    places,
    answers: { 200: { summary: 'The job', content: json(jobResultSchema) } },
    failures: [404, 503],
  },
  {
    method: 'delete',
    path: '/api/infer/:id',
    summary: 'Cancels a job',
    places,
    answers: { 200: { summary: 'The job as it is now', content: json(jobAnswerSchema) } },
    failures: [404, 409, 503],
  },
]

/** The queue of jobs. */
export const jobGroup: RouteGroup = { name: 'Jobs', failure: houseFailure, operations }
