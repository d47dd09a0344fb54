import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parseCatalogue } from '../../engine/inference/catalogue.ts'
import { ModelStore, type ModelStoreOptions } from '../../engine/inference/model-store.ts'
import { verifyModel } from '../../engine/inference/model-upkeep.ts'
import { ollamaFolders } from '../../engine/inference/ollama-store.ts'

const catalogue = parseCatalogue(
  `
small:
  task: vision-language
  summary: A small one
  licence: MIT
  llama:
    files: [{ name: small.gguf, url: 'https://models.invalid/small.gguf', sha256: ${'a'.repeat(64)} }, { name: mmproj.gguf, url: 'https://models.invalid/mmproj.gguf', role: projector }]
    verified: false
    ollama: 'small:1b'
`,
  'models.yaml',
)
const weights = Buffer.from('the weights')
const projector = Buffer.from('the projector')

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hailstream-ollama-'))
})
afterEach(() => rm(folder, { recursive: true }))

function openStore(options: Partial<ModelStoreOptions> = {}): ModelStore {
  const log = pino({ level: 'silent' })
  return new ModelStore({ catalogue, stateFolder: join(folder, 'state'), paths: [], mirror: null, log, ...options })
}

/** Puts the bytes where Ollama would, and gives their layer of the manifest. */
async function putBlob(bytes: Uint8Array, kind: string) {
  const hex = createHash('sha256').update(bytes).digest('hex')
  await mkdir(join(folder, 'blobs'), { recursive: true })
  await writeFile(join(folder, 'blobs', `sha256-${hex}`), bytes)
  return { mediaType: `application/vnd.ollama.image.${kind}`, digest: `sha256:${hex}`, size: bytes.length }
}

async function putManifest(layers: readonly object[], path = 'registry.ollama.ai/library/small/1b'): Promise<void> {
  const file = join(folder, 'manifests', path)
  await mkdir(join(file, '..'), { recursive: true })
  await writeFile(file, JSON.stringify({ schemaVersion: 2, config: { digest: 'sha256:00' }, layers }))
}

async function putModel(path?: string): Promise<void> {
  const layers = [
    await putBlob(Buffer.from('a template'), 'template'),
    await putBlob(weights, 'model'),
    await putBlob(projector, 'projector'),
  ]
  await putManifest(layers, path)
}

function blobPath(bytes: Uint8Array): string {
  return join(folder, 'blobs', `sha256-${createHash('sha256').update(bytes).digest('hex')}`)
}

describe('an Ollama store', () => {
  test.each(['ollama', 'paths'])(
    'given as %s holds a model under its name, where it lies, whatever its quantisation',
    async (option) => {
      await putModel()
      await using store = openStore({ [option]: [folder] })
      expect(await store.locateFiles('small', 'llama')).toEqual({
        paths: [blobPath(weights), blobPath(projector)],
        why: `found in the Ollama store ${folder} as small:1b`,
      })
    },
  )

  test('of another registry is searched as well', async () => {
    await putModel('registry.example.org/library/small/1b')
    await using store = openStore({ ollama: [folder] })
    expect(await store.locate('small', 'llama')).toMatchObject({ path: blobPath(weights) })
  })

  test('is of no use while a blob is shorter than its manifest says', async () => {
    await putModel()
    await writeFile(blobPath(weights), 'the')
    await using store = openStore({ ollama: [folder] })
    expect(await store.locate('small', 'llama')).toMatchObject({
      missing: expect.stringMatching(/to have 11 bytes, received 3/),
    })
  })

  test('is told by verify that a blob is not what its name says', async () => {
    await putModel()
    await writeFile(blobPath(weights), 'other words')
    await using store = openStore({ ollama: [folder] })
    const verdicts = await verifyModel(catalogue.model('small'), store)
    expect(verdicts.map(({ verdict, path }) => [verdict, path])).toEqual([
      ['changed', blobPath(weights)],
      ['ok', blobPath(projector)],
    ])
  })

  test.each([
    ['is no JSON', '{', /Expected a manifest of Ollama in .*small\/1b/],
    [
      'names a blob by a path',
      JSON.stringify({ layers: [{ mediaType: 'x', digest: 'sha256:../../etc', size: 1 }] }),
      /Expected a manifest/,
    ],
  ])('with a manifest that %s says so', async (_, text, message) => {
    await putModel()
    await writeFile(join(folder, 'manifests/registry.ollama.ai/library/small/1b'), text)
    await using store = openStore({ ollama: [folder] })
    expect(await store.locate('small', 'llama')).toMatchObject({ missing: expect.stringMatching(message) })
  })

  test('that is not there, or lacks the model, is passed by', async () => {
    await putModel('registry.ollama.ai/library/other/1b')
    await using store = openStore({ ollama: [join(folder, 'none'), folder] })
    expect(await store.locate('small', 'llama')).toMatchObject({
      missing: expect.stringContaining('small.gguf is not in models.paths'),
    })
  })

  test('is looked for where its variable says, then for this user and for its service', () => {
    const usual = [join(homedir(), '.ollama/models'), '/usr/share/ollama/.ollama/models']
    expect(ollamaFolders({ OLLAMA_MODELS: '/data/ollama' }).slice(0, 3)).toEqual(['/data/ollama', ...usual])
    expect(ollamaFolders({}).slice(0, 2)).toEqual(usual)
  })
})
