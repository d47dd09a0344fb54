import type { z } from 'zod'
import type { ChatMessage, LanguageModelStatus, LanguageRequest } from '../../inference/language.ts'
import type { LanguageAnswer } from '../../inference/language-answer.ts'
import { readBody, WrongField } from '../body.ts'
import type { AnswerForm } from './answer-lines.ts'
import { decodeContext, encodeContext, type Past } from './context.ts'
import { answerGeneration, type GenerationParts, type GenerationPlan } from './generation.ts'
import { toPictures } from './messages.ts'
import { samplingOf } from './options.ts'
import { generateSchema } from './schemas.ts'

type GenerateBody = z.output<typeof generateSchema>

/** `POST /api/generate`. */
export async function answerGenerate(parts: GenerationParts, request: Request): Promise<Response> {
  const body = await readBody(request, generateSchema)
  if (body.raw && (body.system !== '' || body.context.length > 0))
    throw new WrongField('raw', 'raw: Expected the prompt alone, received a system or context beside it')
  const asked = readAsked(body)
  const plan = (found: LanguageModelStatus) => planFor(body, asked, found)
  return answerGeneration(parts, body, plan, { user: 'POST /api/generate', hungUp: request.signal })
}

/** What a request says, apart from how the model takes it. */
interface Asked {
  readonly images: readonly Uint8Array[]
  readonly past: Past | undefined
}

function readAsked({ images, context }: GenerateBody): Asked {
  return { images: toPictures(images), past: decodeContext(context) }
}

function planFor(body: GenerateBody, asked: Asked, found: LanguageModelStatus): GenerationPlan {
  const { input, past } = toInput(body, asked, found)
  // A context without the pictures that it is about would be answered wrongly next time.
  const hasContext = !body.raw && asked.images.length === 0
  const form = formFor(({ text }) => (hasContext ? { context: encodeContext(past(text)) } : {}))
  if (body.prompt === '' && asked.images.length === 0) return { form, request: undefined }
  const { format, think, options } = body
  const request = {
    input,
    sampling: samplingOf(options, found),
    ...(format !== undefined && format !== '' && { format }),
    ...(think !== undefined && { think: think !== false }),
  }
  return { form, request }
}

interface Input {
  readonly input: LanguageRequest['input']
  /** What is past once the answer is given. */
  readonly past: (answer: string) => Past
}

/** A model without a template of conversations, and a raw prompt, is gone on with as it stands. */
function toInput(body: GenerateBody, asked: Asked, { capabilities }: LanguageModelStatus): Input {
  if (body.raw || !capabilities.chat) return toText(body, asked)
  return toConversation(body, asked)
}

function toText({ prompt, system, raw }: GenerateBody, { images, past }: Asked): Input {
  if (system !== '' && !raw) throw new WrongField('system', 'system: this model only continues text')
  if (past !== undefined && 'messages' in past)
    throw new WrongField('context', 'context: this model only continues text')
  const text = `${past?.text ?? ''}${prompt}`
  return {
    input: { prompt: text, ...(images.length > 0 && { images }) },
    past: (answer) => ({ text: `${text}${answer}` }),
  }
}

function toConversation({ prompt, system }: GenerateBody, { images, past }: Asked): Input {
  if (past !== undefined && 'text' in past) throw new WrongField('context', 'context: Expected one of a conversation')
  const before = (past?.messages ?? []).filter(({ role }) => system === '' || role !== 'system')
  const said = [
    ...(system === '' ? [] : [{ role: 'system' as const, content: system }]),
    ...before,
    { role: 'user' as const, content: prompt },
  ]
  const last = said.length - 1
  const messages = said.map(
    (message, i): ChatMessage => (i === last && images.length > 0 ? { ...message, images } : message),
  )
  return {
    input: { messages },
    past: (answer) => ({ messages: [...said, { role: 'assistant', content: answer }] }),
  }
}

function formFor(rest: (answer: LanguageAnswer) => object): AnswerForm {
  return {
    silent: { response: '' },
    piece: (event) => {
      if (event.type === 'thinking') return { response: '', thinking: event.text }
      return { response: event.type === 'text' ? event.text : '' }
    },
    whole: (answer) => ({
      response: answer.text,
      ...(answer.thinking !== '' && { thinking: answer.thinking }),
      ...rest(answer),
    }),
    end: (answer) => ({ response: '', ...rest(answer) }),
  }
}
