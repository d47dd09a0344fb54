import { z } from 'zod'
import { EngineError } from '../../errors.ts'
import type { Language } from '../../inference/language.ts'
import type { Speech } from '../../inference/speech.ts'
import type { Vision } from '../../inference/vision.ts'
import type { JobInput, NewJob } from '../../jobs/job.ts'
import { defined } from './defined.ts'
import type { JobBody } from './job-body.ts'

/** What jobs are checked against before they are taken; what is not here cannot be asked. */
export interface JobChecks {
  readonly vision: Vision
  readonly language?: Language | undefined
  readonly speech?: Speech | undefined
}

const maxPrompt = 262_144
const transcribeTask = 'transcribe'

/** Options of a job about prompts. */
export const languageSchema = z.strictObject({
  model: z.string().min(1).optional(),
  system: z.string().max(maxPrompt).optional(),
  raw: z.boolean().optional(),
  max_tokens: z.number().int().min(1).optional(),
  temperature: z.number().min(0).max(2).optional(),
  top_p: z.number().min(0).max(1).optional(),
  top_k: z.number().int().min(1).optional(),
  seed: z.number().int().optional(),
  stop: z.array(z.string().min(1)).max(16).optional(),
})
/** Options of a job about audio. */
export const transcriptionSchema = z.strictObject({
  model: z.string().min(1).optional(),
  language: z.string().min(1).optional(),
  hint: z.string().min(1).optional(),
})
/** Options of a job about pictures. */
export const visionSchema = z.strictObject({ task: z.string(), options: z.record(z.string(), z.unknown()).default({}) })

/** The job that a body asks for. Throws `invalid`, or what the model says that is asked for: `not-found`, `unavailable`. */
export async function toJob(body: JobBody, checks: JobChecks): Promise<NewJob> {
  const { kind, values, batch, options } = body
  if (kind === 'prompt') return { ...(await toLanguageJob(options, checks)), batch, inputs: values.map(toPrompt) }
  const inputs = values.map(toBytes)
  if (kind === 'audio') return { ...(await toTranscriptionJob(options, checks)), batch, inputs }
  return { ...(await toVisionJob(options, checks)), batch, inputs }
}

type Kind = Pick<NewJob, 'kind' | 'request'>

async function toLanguageJob(given: JobBody['options'], { language }: JobChecks): Promise<Kind> {
  const { model, system, raw, ...sampling } = check(languageSchema, given)
  if (language === undefined) throw missing('language models')
  await language.find(model)
  const { max_tokens: maxTokens, top_p: topP, top_k: topK, temperature, seed, stop } = sampling
  const chosen = defined({ maxTokens, topP, topK, temperature, seed, stop })
  return { kind: 'language', request: { ...defined({ model, system, raw }), sampling: chosen } }
}

async function toTranscriptionJob(given: JobBody['options'], { speech }: JobChecks): Promise<Kind> {
  const { task, ...rest } = given
  if (task !== undefined && task !== transcribeTask)
    throw new EngineError('invalid', `Expected the task ${transcribeTask} with audio, received ${JSON.stringify(task)}`)
  const { model, language, hint } = check(transcriptionSchema, rest)
  if (speech === undefined) throw missing('recognisers')
  await speech.recogniser(model)
  return { kind: 'transcription', request: { ...defined({ model }), options: defined({ language, prompt: hint }) } }
}

async function toVisionJob(given: JobBody['options'], { vision }: JobChecks): Promise<Kind> {
  const { task, options } = check(visionSchema, given)
  if (!vision.tasks.includes(task))
    throw new EngineError('invalid', `Expected task to be one of ${vision.tasks.join(', ')}, received ${task}`)
  await vision.openTask(task, options, 'batch')[Symbol.asyncDispose]()
  return { kind: 'vision', request: { task, options } }
}

function toPrompt(value: JobBody['values'][number]): JobInput {
  if (typeof value === 'string' && value !== '' && value.length <= maxPrompt) return { text: value }
  const came = typeof value === 'string' ? `${value.length}` : 'a file'
  throw new EngineError('invalid', `Expected each prompt to be text of 1 to ${maxPrompt} characters, received ${came}`)
}

function toBytes(value: JobBody['values'][number]): JobInput {
  if (typeof value === 'string') throw new Error('Expected the body to have decoded what is no prompt')
  return { bytes: value }
}

function missing(what: string): EngineError {
  return new EngineError('unavailable', `Expected an engine with ${what}; this one has none`)
}

function check<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const told = parsed.error.issues.map(({ path, message }) => [...path, message].join(': '))
  throw new EngineError('invalid', told.join('; '))
}
