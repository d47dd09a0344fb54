import { EngineError } from '../../errors.ts'
import type { ModelLibrary, PullProgress } from '../../inference/model-library.ts'
import { answerBody } from '../../streams/answer-body.ts'
import { readBody } from '../body.ts'
import { toLine } from './answer-lines.ts'
import { copySchema, deleteSchema, pullSchema } from './schemas.ts'

/** `POST /api/pull`: fetches a model of the catalogue, its progress as NDJSON. */
export async function answerPull(library: ModelLibrary, request: Request): Promise<Response> {
  const { model, stream } = await readBody(request, pullSchema)
  const left = new AbortController()
  const steps = library.pull(model, AbortSignal.any([request.signal, left.signal]))[Symbol.asyncIterator]()
  // A name that nobody knows has a status of its own.
  const first = await refuseUnknown(model, () => steps.next())
  if (!stream) {
    for (let next = first; !next.done; ) next = await steps.next()
    return Response.json({ status: 'success' })
  }
  const body = answerBody(pullLines(first, steps), { onLeft: (reason) => left.abort(reason) })
  return new Response(body, { headers: { 'content-type': 'application/x-ndjson' } })
}

/** `DELETE /api/delete`. */
export async function answerDelete(library: ModelLibrary, request: Request): Promise<Response> {
  const { model } = await readBody(request, deleteSchema)
  await refuseUnknown(model, () => library.remove(model))
  return new Response(null)
}

/** `POST /api/copy`. */
export async function answerCopy(library: ModelLibrary, request: Request): Promise<Response> {
  const { source, destination } = await readBody(request, copySchema)
  await refuseUnknown(source, () => library.copy(source, destination))
  return new Response(null)
}

async function* pullLines(
  first: IteratorResult<PullProgress>,
  steps: AsyncIterator<PullProgress>,
): AsyncGenerator<string> {
  try {
    yield toLine({ status: 'pulling manifest' })
    for (let next = first; !next.done; next = await steps.next()) yield toLine(toStatus(next.value))
    yield toLine({ status: 'success' })
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    yield toLine({ error: error.message })
  } finally {
    await steps.return?.()
  }
}

function toStatus({ file, sha256, received, total }: PullProgress): object {
  return {
    status: `pulling ${sha256?.slice(0, 12) ?? file}`,
    ...(sha256 !== null && { digest: `sha256:${sha256}` }),
    ...(total !== null && { total }),
    completed: received,
  }
}

async function refuseUnknown<T>(model: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'not-found') throw error
    throw new EngineError('not-found', `model '${model}' not found: ${error.message}`, { cause: error })
  }
}
