import { Incapable } from '../../inference/expect-capable.ts'
import { shortenVectors } from '../../inference/shorten-vectors.ts'
import { readBody } from '../body.ts'
import { findModel } from './find-model.ts'
import { type GenerationParts, userOf } from './generation.ts'
import { embeddingsSchema } from './schemas.ts'

/** `POST /v1/embeddings`. */
export async function answerEmbeddings({ language }: GenerationParts, http: Request): Promise<Response> {
  const { model, input, encoding_format, dimensions, user } = await readBody(http, embeddingsSchema)
  const { name, capabilities } = await findModel(language, model)
  if (!capabilities.embedding) throw new Incapable(model, 'embedding')
  const use = { priority: 'interactive', user: userOf(http, user) } as const
  const texts = typeof input === 'string' ? [input] : input
  const { vectors, promptTokens } = await language.embed(name, texts, use, http.signal)
  const encode = encoding_format === 'base64' ? toBase64 : (vector: Float32Array) => [...vector]
  const data = shortenVectors(vectors, dimensions).map((vector, index) => {
    return { object: 'embedding', index, embedding: encode(vector) }
  })
  const usage = { prompt_tokens: promptTokens, total_tokens: promptTokens }
  return Response.json({ object: 'list', data, model, usage })
}

/** Little-endian float32, whatever the machine. */
function toBase64(vector: Float32Array): string {
  const bytes = Buffer.alloc(vector.length * 4)
  for (const [i, value] of vector.entries()) bytes.writeFloatLE(value, i * 4)
  return bytes.toString('base64')
}
