import { Incapable } from '../../inference/expect-capable.ts'
import { parseKeepAlive } from '../../inference/keep-alive.ts'
import { shortenVectors } from '../../inference/shorten-vectors.ts'
import { readBody } from '../body.ts'
import { findModel } from './find-model.ts'
import type { GenerationParts } from './generation.ts'
import { expectRuntimeOptions, type OllamaOptions, warningsFor } from './options.ts'
import { embeddingsSchema, embedSchema } from './schemas.ts'

/** `POST /api/embed`. */
export async function answerEmbed(parts: GenerationParts, request: Request): Promise<Response> {
  const startedAt = parts.clock.now()
  const body = await readBody(request, embedSchema)
  const texts = typeof body.input === 'string' ? [body.input].filter((text) => text !== '') : body.input
  const { vectors, promptTokens, loadMs, preparedAt, found } = await embed(parts, { ...body, texts }, request)
  const embeddings = shortenVectors(vectors, body.dimensions).map((vector) => [...vector])
  const answer = {
    model: body.model,
    embeddings,
    total_duration: Math.max(1, Number(parts.clock.now() - startedAt)),
    load_duration: Math.max(1, Number(preparedAt - startedAt) + Math.round(loadMs * 1e6)),
    prompt_eval_count: promptTokens,
  }
  return Response.json(answer, { headers: warningsFor(body.options, found) })
}

/** `POST /api/embeddings`. */
export async function answerEmbeddings(parts: GenerationParts, request: Request): Promise<Response> {
  const body = await readBody(request, embeddingsSchema)
  const texts = body.prompt === '' ? [] : [body.prompt]
  const { vectors, found } = await embed(parts, { ...body, texts }, request)
  return Response.json({ embedding: [...(vectors[0] ?? [])] }, { headers: warningsFor(body.options, found) })
}

interface Asked {
  readonly model: string
  readonly texts: readonly string[]
  readonly keep_alive?: string | number | undefined
  readonly options?: OllamaOptions | undefined
}

/** Without texts, the model is only loaded. */
async function embed({ language, clock }: GenerationParts, asked: Asked, request: Request) {
  expectRuntimeOptions(asked.options)
  const keepAlive = asked.keep_alive === undefined ? undefined : parseKeepAlive(asked.keep_alive)
  const found = await findModel(language, asked.model)
  const { name, capabilities } = found
  if (!capabilities.embedding) throw new Incapable(asked.model, 'embedding')
  const preparedAt = clock.now()
  const use = { priority: 'interactive', user: `POST ${new URL(request.url).pathname}` } as const
  const embeddings =
    asked.texts.length === 0
      ? { vectors: [], promptTokens: 0, loadMs: await language.load(name, use, request.signal) }
      : await language.embed(name, asked.texts, use, request.signal)
  if (keepAlive !== undefined) language.keepAlive(name, keepAlive)
  return { ...embeddings, preparedAt, found }
}
