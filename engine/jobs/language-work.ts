import { EngineError } from '../errors.ts'
import type { Language, LanguageRequest, LanguageUsage, Sampling } from '../inference/language.ts'
import type { JobTask, JobWorker } from './job-worker.ts'

/** Options of a language job, checked by the route. */
export interface LanguageJob {
  readonly model?: string
  readonly system?: string
  /** The prompt is gone on with as it stands, also where the model could chat. */
  readonly raw?: boolean
  readonly sampling: Sampling
}

/** What comes of a prompt. */
export interface LanguageResult {
  readonly text: string
  readonly model: string
  readonly reason: string
  readonly usage: LanguageUsage
}

/** Works on prompts, between other requests. */
export function languageWork(language: Language): JobWorker {
  return async ({ request, input, report }: JobTask, signal): Promise<LanguageResult> => {
    if (!('text' in input)) throw new EngineError('invalid', 'Expected prompts in a job of a language model')
    const job = request as unknown as LanguageJob
    const { name, capabilities } = await language.find(job.model)
    const asked = toRequest(job, input.text, capabilities.chat)
    let text = ''
    let tokens = 0
    for await (const event of language.generate(name, asked, { priority: 'batch', user: 'jobs' }, signal)) {
      if (event.type === 'done') return { text, model: name, reason: event.reason, usage: event.usage }
      if (event.type !== 'text') continue
      text += event.text
      tokens += event.tokens
      report({ tokens })
    }
    signal.throwIfAborted()
    throw new EngineError('internal', `Expected ${name} to end its answer, but it only stopped`)
  }
}

/** A model that cannot chat goes on with the text. */
function toRequest({ system, raw, sampling }: LanguageJob, prompt: string, chats: boolean): LanguageRequest {
  if (raw || !chats) {
    if (system === undefined) return { input: { prompt }, sampling }
    throw new EngineError('invalid', 'Expected no system with a prompt that is gone on with as it stands')
  }
  const messages = [
    ...(system === undefined ? [] : [{ role: 'system' as const, content: system }]),
    { role: 'user' as const, content: prompt },
  ]
  return { input: { messages }, sampling }
}
