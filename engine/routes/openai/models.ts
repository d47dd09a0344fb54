import type { Language, LanguageModelStatus } from '../../inference/language.ts'
import type { ModelAlias } from '../../inference/model-aliases.ts'
import { findModel } from './find-model.ts'

/** What the lists are read from. */
export interface ListParts {
  readonly language: Language
  readonly copies: () => Promise<readonly ModelAlias[]>
}

const uncached = { headers: { 'cache-control': 'no-store' } }

/** `GET /v1/models`: the models whose files are here, then the copies that clients made. */
export async function answerModels({ language, copies }: ListParts): Promise<Response> {
  const here = (await language.status()).filter(({ state }) => state !== 'missing')
  const copied = (await copies()).flatMap(({ name, model }) =>
    here.filter((status) => status.name === model).map((status) => ({ ...status, name })),
  )
  return Response.json({ object: 'list', data: [...here, ...copied].map(toEntry) }, uncached)
}

/** `GET /v1/models/:model`. */
export async function answerModel({ language }: ListParts, name: string): Promise<Response> {
  return Response.json(toEntry({ ...(await findModel(language, name)), name }), uncached)
}

/** `created` in seconds since 1970: when its files came, 0 where they lie elsewhere. */
function toEntry({ name, modifiedAt }: LanguageModelStatus): object {
  return { id: name, object: 'model', created: Math.floor((modifiedAt ?? 0) / 1000), owned_by: 'library' }
}
