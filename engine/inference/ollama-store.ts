import { readdir, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { EngineError, messageOf } from '../errors.ts'

/** By the kind of a layer, which file of a model it is: the weights first, then the projector of images. */
const layerKinds = ['application/vnd.ollama.image.model', 'application/vnd.ollama.image.projector'] as const

const manifestSchema = z.object({
  layers: z.array(
    z.object({
      mediaType: z.string(),
      digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
      size: z.number().int().positive(),
    }),
  ),
})

/** A file in an Ollama store, by its manifest: whether it is there and whole is not known yet. */
export interface OllamaBlob {
  readonly path: string
  readonly sha256: string
  readonly bytes: number
}

/** Where Ollama keeps its models: as its variable says, for a user, and for its service on Linux. */
export function ollamaFolders(environment: Readonly<Record<string, string | undefined>>): string[] {
  const named = environment.OLLAMA_MODELS
  const usual = [
    join(homedir(), '.ollama/models'),
    '/usr/share/ollama/.ollama/models',
    '/var/lib/ollama/.ollama/models',
    '/var/lib/ollama/models',
  ]
  return [...new Set(named === undefined || named === '' ? usual : [named, ...usual])]
}

/**
 * The files of the model `name:tag` or `namespace/name:tag` in a store, of whatever registry; undefined where the store or the
 * model is not there. Reads only. Throws `unavailable` for a manifest that cannot be read, which may be a lack of rights.
 */
export async function findInOllama(folder: string, name: string): Promise<readonly OllamaBlob[] | undefined> {
  const manifests = join(folder, 'manifests')
  const [model = '', tag = ''] = name.split(':')
  const path = model.includes('/') ? model : `library/${model}`
  for (const registry of await list(manifests)) {
    const text = await read(join(manifests, registry, path, tag))
    if (text !== undefined) return blobsOf(text, folder, join(manifests, registry, path, tag))
  }
  return undefined
}

async function list(folder: string): Promise<string[]> {
  return unlessAbsent(folder, async () => (await readdir(folder)).sort()).then((names) => names ?? [])
}

function read(file: string): Promise<string | undefined> {
  return unlessAbsent(file, () => readFile(file, 'utf8'))
}

async function unlessAbsent<T>(path: string, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new EngineError('unavailable', `Expected to read ${path}: ${messageOf(error)}`, { cause: error })
  }
}

function blobsOf(text: string, folder: string, manifest: string): OllamaBlob[] {
  const { layers } = parse(text, manifest)
  return layerKinds.flatMap((kind) =>
    layers
      .filter(({ mediaType }) => mediaType === kind)
      .slice(0, 1)
      .map(({ digest, size }) => {
        const sha256 = digest.slice('sha256:'.length)
        return { path: join(folder, 'blobs', `sha256-${sha256}`), sha256, bytes: size }
      }),
  )
}

function parse(text: string, manifest: string): z.output<typeof manifestSchema> {
  try {
    return manifestSchema.parse(JSON.parse(text))
  } catch (error) {
    throw new EngineError('unavailable', `Expected a manifest of Ollama in ${manifest}: ${messageOf(error)}`, {
      cause: error,
    })
  }
}
