import { Hono } from 'hono'
import type { Clock } from '../core/clock.ts'
import { EngineError } from '../errors.ts'
import type { Language } from '../inference/language.ts'
import type { ModelLibrary } from '../inference/model-library.ts'
import type { Speech } from '../inference/speech.ts'
import { answerChat } from './openai/chat.ts'
import { answerCompletion } from './openai/completions.ts'
import { answerEmbeddings } from './openai/embeddings.ts'
import { answerError } from './openai/errors.ts'
import { answerModel, answerModels } from './openai/models.ts'
import { openaiGroup } from './openai/operations.ts'
import { describeRoutes } from './operation.ts'

/** What OpenAI's routes of text ask. */
export interface OpenAiParts {
  readonly language: Language
  readonly library: Pick<ModelLibrary, 'copies'>
  /** Its models are listed beside those of language. */
  readonly speech: Pick<Speech, 'recognisers' | 'synthesiser'>
  readonly clock: Clock
}

/** OpenAI's API for text: chat, completions, models, embeddings. Every field is honoured or refused with 400, its name in `param`. */
export function openaiRoutes({ language, library, speech, clock }: OpenAiParts): Hono {
  const app = new Hono().onError((error) => {
    if (error instanceof EngineError) return answerError(error)
    throw error
  })
  const generation = { language, clock }
  const lists = { language, speech, copies: () => library.copies() }
  app.post('/v1/chat/completions', ({ req }) => answerChat(generation, req.raw))
  app.post('/v1/completions', ({ req }) => answerCompletion(generation, req.raw))
  app.post('/v1/embeddings', ({ req }) => answerEmbeddings(generation, req.raw))
  app.get('/v1/models', () => answerModels(lists))
  // Names may have a slash.
  app.get('/v1/models/:model{.+}', ({ req }) => answerModel(lists, req.param('model')))
  for (const path of ['/v1/chat/completions', '/v1/completions', '/v1/embeddings'])
    refuseOtherMethods(app, path, 'POST')
  for (const path of ['/v1/models', '/v1/models/:model{.+}']) refuseOtherMethods(app, path, 'GET, HEAD')
  return describeRoutes(app, openaiGroup)
}

function refuseOtherMethods(app: Hono, path: string, allow: string): void {
  app.all(path, ({ req }) => {
    const error = {
      message: `Expected ${allow}, received ${req.method}`,
      type: 'invalid_request_error',
      param: null,
      code: null,
    }
    return Response.json({ error }, { status: 405, headers: { allow } })
  })
}
