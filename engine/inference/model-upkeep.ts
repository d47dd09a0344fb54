import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { basename, extname } from 'node:path'
import { EngineError, messageOf } from '../errors.ts'
import { artefactOf, backendsOf, type Catalogue } from './catalogue.ts'
import type { CatalogueModel, ModelFile } from './catalogue-schema.ts'
import { isBundled } from './import-tfjs.ts'
import { type Candidate, hashFile, wantedFiles } from './model-search.ts'
import type { ModelStore } from './model-store.ts'

/** What was found of one file when it was hashed. `path` is null for one that is nowhere. */
export interface Verdict {
  readonly model: string
  readonly file: string
  readonly path: string | null
  readonly verdict: 'ok' | 'changed' | 'no record' | 'unreadable' | 'missing' | 'bundled'
  readonly detail: string
}

/** Hashes every copy of the model's files, wherever they lie. */
export async function verifyModel(model: CatalogueModel, store: ModelStore): Promise<Verdict[]> {
  const verdicts: Verdict[] = []
  for (const wanted of backendsOf(model).flatMap((backend) => wantedFiles(model, backend))) {
    const about = { model: model.name, file: wanted.file.name }
    const { candidates, problems } = await store.search.copies(wanted)
    verdicts.push(...problems.map((detail) => ({ ...about, path: null, verdict: 'unreadable' as const, detail })))
    for (const candidate of candidates) verdicts.push({ ...about, path: candidate.path, ...(await judge(candidate)) })
  }
  if (isBundled(model)) {
    const detail = 'converted from an installed package'
    verdicts.push({ model: model.name, file: model.onnx.files[0]?.name ?? '', path: null, verdict: 'bundled', detail })
  }
  return verdicts
}

async function judge({ path, sha256, bytes }: Candidate): Promise<Pick<Verdict, 'verdict' | 'detail'>> {
  try {
    const [{ size }, hash] = [await stat(path), await hashFile(path)]
    if (sha256 === undefined)
      return { verdict: 'no record', detail: `SHA-256 ${hash}, and nobody says what it should be` }
    if (hash === sha256) return { verdict: 'ok', detail: `SHA-256 ${hash}` }
    const sizes = bytes === undefined || bytes === size ? '' : ` and ${bytes} bytes`
    return { verdict: 'changed', detail: `Expected SHA-256 ${sha256}${sizes}, received ${hash} and ${size} bytes` }
  } catch (error) {
    return { verdict: 'unreadable', detail: messageOf(error) }
  }
}

/** What `removeModel` did. */
export interface Removal {
  /** Bytes given back. */
  readonly bytes: number
  /** Copies that stay, since they lie in folders that are only read. */
  readonly staying: readonly string[]
}

/** Removes the model's files from our own folder. Throws `conflict` while one is being fetched, `invalid` for what an installed package carries. */
export async function removeModel(model: CatalogueModel, store: ModelStore): Promise<Removal> {
  const files = backendsOf(model).flatMap((backend) => wantedFiles(model, backend))
  if (isBundled(model) && files.length === 1)
    throw new EngineError(
      'invalid',
      `Expected a model that was fetched or imported, but ${model.name} comes with the installation`,
    )
  let bytes = 0
  for (const { file } of files) bytes += await store.own.remove(file.name)
  const copies = await Promise.all(files.map((wanted) => store.search.copies(wanted)))
  return { bytes, staying: copies.flatMap(({ candidates }) => candidates.map(({ path }) => path)) }
}

/** A file of the catalogue, and the model it belongs to. */
export interface OwnedFile {
  readonly model: CatalogueModel
  readonly file: ModelFile
}

/**
 * Which file of the catalogue a file of this machine is: the one that `as` names (a model, or a file of one), else the one of the same
 * name, else the one of the same hash. Throws `invalid` or `not-found`, saying what would be accepted.
 */
export async function identify(source: string, catalogue: Catalogue, as: string | undefined): Promise<OwnedFile> {
  // What an installed package carries is taken from there only.
  const files = catalogue.models.flatMap((model) =>
    backendsOf(model).flatMap((backend) =>
      artefactOf(model, backend).files.flatMap((file) => (file.url === undefined ? [] : [{ model, file }])),
    ),
  )
  await expectFile(source)
  if (as !== undefined) return namedAs(source, as, files, catalogue)
  const byName = files.find(({ file }) => file.name === basename(source))
  if (byName !== undefined) return byName
  const hash = await hashFile(source)
  const byHash = files.find(({ file }) => file.sha256 === hash)
  if (byHash !== undefined) return byHash
  const alike = files.filter(({ file }) => extname(file.name) === extname(source)).map(({ file }) => file.name)
  throw new EngineError(
    'invalid',
    `Expected a file that the catalogue knows, received ${basename(source)} with SHA-256 ${hash}. ${whatWould(alike)}`,
  )
}

async function expectFile(source: string): Promise<void> {
  try {
    await access(source, constants.R_OK)
    if ((await stat(source)).isFile()) return
  } catch (error) {
    throw new EngineError('not-found', `Expected a file that can be read at ${source}: ${messageOf(error)}`, {
      cause: error,
    })
  }
  throw new EngineError('invalid', `Expected a file, received ${source}, which is none`)
}

function whatWould(alike: readonly string[]): string {
  if (alike.length === 0) return 'It has no model of such a file: models list shows what there is'
  const some = alike.slice(0, 8).join(', ')
  return `Say what it is with --as NAME, a model or one of these files: ${some}${alike.length > 8 ? ', …' : ''}`
}

function namedAs(source: string, as: string, files: readonly OwnedFile[], catalogue: Catalogue): OwnedFile {
  const byFile = files.find(({ file }) => file.name === as)
  if (byFile !== undefined) return byFile
  const model = catalogue.model(as)
  const own = files.filter((owned) => owned.model === model)
  const fitting = own.filter(({ file }) => extname(file.name) === extname(source))
  const [only] = fitting
  if (only !== undefined && fitting.length === 1) return only
  const names = own.map(({ file }) => file.name).join(', ')
  throw new EngineError('invalid', `Expected --as to name one file of ${as} (${names}) for ${basename(source)}`)
}
