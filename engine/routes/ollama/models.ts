import type { Clock } from '../../core/clock.ts'
import type { Language, LanguageCapabilities, LanguageModelStatus } from '../../inference/language.ts'
import type { ModelAlias } from '../../inference/model-aliases.ts'
import { readBody } from '../body.ts'
import { toRfc3339 } from './answer-lines.ts'
import { findModel } from './find-model.ts'
import { showSchema } from './schemas.ts'

/** How Ollama says "never": as far away as its durations reach, some 292 years. */
const neverInMs = 2 ** 63 / 1e6
/** Backends whose memory is an accelerator's. */
const deviceBackends: ReadonlySet<string> = new Set(['hailo'])

/** While nobody knows: Ollama's command line cuts a piece out of it, and ends where it is empty. */
const unknownDigest = '0'.repeat(64)

/** What the lists are read from. */
export interface ListParts {
  readonly language: Language
  readonly clock: Clock
  readonly copies: () => Promise<readonly ModelAlias[]>
}

/** `GET /api/tags`: the models whose files are here, then the copies that clients made. `loaded` is ours. */
export async function answerTags({ language, copies }: ListParts): Promise<Response> {
  const here = (await language.status()).filter(({ state }) => state !== 'missing')
  const copied = (await copies()).flatMap(({ name, model }) =>
    here.filter((status) => status.name === model).map((status) => ({ ...status, name })),
  )
  return Response.json({ models: [...here, ...copied].map(toTag) }, uncached)
}

/** `GET /api/ps`: those that are loaded. */
export async function answerPs({ language, clock }: ListParts): Promise<Response> {
  const loaded = (await language.status()).filter(({ state }) => state === 'loaded')
  const never = clock.toUnixMs(clock.now()) + neverInMs
  const models = loaded.map((status) => ({
    ...describe(status),
    size: status.memoryBytes ?? status.bytes ?? 0,
    expires_at: toRfc3339(status.expiresAt ?? never),
    size_vram: deviceBackends.has(status.backend) ? (status.memoryBytes ?? 0) : 0,
    context_length: status.contextLength ?? 0,
  }))
  return Response.json({ models }, uncached)
}

/** `POST /api/show`. */
export async function answerShow({ language }: ListParts, request: Request): Promise<Response> {
  const { model } = await readBody(request, showSchema)
  const status = await findModel(language, model)
  return Response.json({
    modelfile: `FROM ${status.name}\n`,
    parameters: '',
    template: '',
    license: status.licence,
    details: toDetails(status),
    model_info: toModelFacts(status),
    capabilities: toCapabilities(status.capabilities),
    modified_at: toRfc3339(status.modifiedAt ?? 0),
  })
}

const uncached = { headers: { 'cache-control': 'no-store' } }

function toTag(status: LanguageModelStatus): object {
  return {
    ...describe(status),
    modified_at: toRfc3339(status.modifiedAt ?? 0),
    capabilities: toCapabilities(status.capabilities),
    loaded: status.state === 'loaded',
  }
}

function describe(status: LanguageModelStatus) {
  const { name, bytes, sha256 } = status
  return { name, model: name, size: bytes ?? 0, digest: sha256 ?? unknownDigest, details: toDetails(status) }
}

function toDetails({ format, family, parameters, quantisation }: LanguageModelStatus): object {
  return {
    parent_model: '',
    format,
    family: family ?? '',
    families: family === null ? [] : [family],
    parameter_size: parameters ?? '',
    quantization_level: quantisation ?? '',
  }
}

/** By the keys of GGUF files, as clients look them up: what is not known is left out. */
function toModelFacts({ name, family, parameters, contextLength, licence }: LanguageModelStatus): object {
  const architecture = family ?? 'unknown'
  return {
    'general.architecture': architecture,
    'general.basename': name,
    'general.license': licence,
    ...(parameters !== null && { 'general.size_label': parameters }),
    ...(contextLength !== null && { [`${architecture}.context_length`]: contextLength }),
  }
}

function toCapabilities({ chat, completion, vision, tools, thinking, embedding }: LanguageCapabilities): string[] {
  const has = { completion: chat || completion, vision, tools, thinking, embedding }
  return Object.entries(has).flatMap(([name, isThere]) => (isThere ? [name] : []))
}
