import type { Language, LanguageModelStatus } from '../../inference/language.ts'
import type { ModelAlias } from '../../inference/model-aliases.ts'
import type { Speech } from '../../inference/speech.ts'
import { findModel } from './find-model.ts'

/** What the lists are read from. */
export interface ListParts {
  readonly language: Language
  readonly speech: Pick<Speech, 'recognisers' | 'synthesiser'>
  readonly copies: () => Promise<readonly ModelAlias[]>
}

const uncached = { headers: { 'cache-control': 'no-store' } }

/** `GET /v1/models`: the models whose files are here, then the copies that clients made, then those of speech. */
export async function answerModels({ language, speech, copies }: ListParts): Promise<Response> {
  const here = (await language.status()).filter(({ state }) => state !== 'missing')
  const copied = (await copies()).flatMap(({ name, model }) =>
    here.filter((status) => status.name === model).map((status) => ({ ...status, name })),
  )
  const heard = await speechModels(speech)
  return Response.json(
    { object: 'list', data: [...[...here, ...copied].map(toEntry), ...heard.map(toOwned)] },
    uncached,
  )
}

/** `GET /v1/models/:model`. */
export async function answerModel({ language, speech }: ListParts, name: string): Promise<Response> {
  const heard = (await speechModels(speech)).find((one) => one.name === name)
  const entry = heard === undefined ? toEntry({ ...(await findModel(language, name)), name }) : toOwned(heard)
  return Response.json(entry, uncached)
}

interface SpeechModel {
  readonly name: string
  readonly owner: string
}

/** What can be said as the `model` of a transcription, a recogniser, and of speech: what makes the voices, each once. */
async function speechModels(speech: ListParts['speech']): Promise<readonly SpeechModel[]> {
  const voices = (await speech.synthesiser.voices()).filter(({ state }) => state === 'available')
  const makers = [...new Set(voices.map(({ backend }) => backend))]
  return [
    ...(await speech.recognisers()).map(({ name, backend }) => ({ name, owner: backend })),
    ...makers.map((name) => ({ name, owner: name })),
  ]
}

/** `created` in seconds since 1970: when its files came, 0 where they lie elsewhere. */
function toEntry({ name, modifiedAt }: LanguageModelStatus): object {
  return { id: name, object: 'model', created: Math.floor((modifiedAt ?? 0) / 1000), owned_by: 'library' }
}

/** Nobody knows when its files came. */
function toOwned({ name, owner }: SpeechModel): object {
  return { id: name, object: 'model', created: 0, owned_by: owner }
}
