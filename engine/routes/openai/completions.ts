import type { z } from 'zod'
import type { Clock } from '../../core/clock.ts'
import { readBody, WrongField } from '../body.ts'
import { finishReasons, toUsage } from './events.ts'
import { type AnswerForm, answerGeneration, type GenerationParts, headOf, samplingOf } from './generation.ts'
import { completionSchema } from './schemas.ts'

type CompletionBody = z.output<typeof completionSchema>

/** `POST /v1/completions`. */
export async function answerCompletion(parts: GenerationParts, http: Request): Promise<Response> {
  const body = await readBody(http, completionSchema)
  if (body.stream_options !== undefined && !body.stream)
    throw new WrongField('stream_options', 'stream_options: Expected them with stream: true only')
  const request = { input: { prompt: body.prompt }, sampling: samplingOf(body) }
  return answerGeneration(parts, body, { request, form: formFor(body, parts.clock) }, http)
}

function formFor({ model, prompt, echo, stream_options }: CompletionBody, clock: Clock): AnswerForm {
  const head = headOf({ id: 'cmpl', object: 'text_completion' }, model, clock)
  const choice = { index: 0, logprobs: null, finish_reason: null }
  const before = echo ? prompt : ''
  return {
    whole: ({ text, reason, usage }) => {
      const choices = [{ ...choice, text: `${before}${text}`, finish_reason: finishReasons[reason] }]
      return { ...head, choices, usage: toUsage(usage) }
    },
    stream: {
      head,
      ...(before !== '' && { opening: { ...choice, text: before } }),
      // It was not asked to think, and has no tools to call: what it says all the same is no part of the text.
      piece: (event) => ({ ...choice, text: event.type === 'text' ? event.text : '' }),
      end: ({ reason }) => ({ ...choice, text: '', finish_reason: finishReasons[reason] }),
      withUsage: stream_options?.include_usage === true,
    },
  }
}
