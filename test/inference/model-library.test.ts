import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AliasedLanguage } from '../../engine/inference/aliased-language.ts'
import { parseCatalogue } from '../../engine/inference/catalogue.ts'
import { ModelAliases } from '../../engine/inference/model-aliases.ts'
import { OwnLibrary, type PullProgress } from '../../engine/inference/model-library.ts'
import { backendHere } from '../../engine/inference/model-stock.ts'
import { ModelStore } from '../../engine/inference/model-store.ts'
import { content, half, sha256 } from '../support/download-folder.ts'
import { FileServer } from '../support/file-server.ts'
import { ScriptedLanguage } from '../support/scripted-language.ts'
import { silentLog } from '../support/topic-packets.ts'
import { until } from '../support/wait.ts'

const url = 'https://models.invalid'
const catalogue = parseCatalogue(
  `
small:
  task: language
  summary: A small one
  licence: MIT
  llama:
    files: [{ name: small.gguf, url: '${url}/small.gguf', sha256: ${sha256} }]
    verified: false
    ollama: 'small:1b'
  hailo: { files: [{ name: small.hef, url: '${url}/small.hef' }], verified: false, inputs: [text], outputs: tokens }
piper-en-us-amy-low:
  task: speak
  summary: A voice
  licence: MIT
  piper:
    files:
      - { name: en_US-amy-low.onnx, url: '${url}/amy.onnx', sha256: ${sha256} }
      - { name: en_US-amy-low.onnx.json, url: '${url}/amy.onnx.json', sha256: ${sha256} }
    verified: false
    language: en_US
`,
  'models.yaml',
)

let folder: string
let signal: AbortSignal
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hailstream-library-'))
  signal = new AbortController().signal
})
afterEach(() => rm(folder, { recursive: true }))

function open(mirror: string | null, paths: readonly string[] = []) {
  const store = new ModelStore({ catalogue, stateFolder: folder, paths, mirror, packaged: folder, log: silentLog })
  const aliases = new ModelAliases(folder)
  const scripted = new ScriptedLanguage([{ name: 'small', aliases: ['small:1b'] }, { name: 'own' }])
  const language = new AliasedLanguage(scripted, aliases)
  const backendFor = (backends: Parameters<typeof backendHere>[0]) => backendHere(backends, false)
  return { store, aliases, scripted, library: new OwnLibrary({ catalogue, store, language, aliases, backendFor }) }
}

const file = () => join(folder, 'models/small.gguf')

async function pull({ library }: ReturnType<typeof open>, name: string): Promise<PullProgress[]> {
  const steps: PullProgress[] = []
  for await (const step of library.pull(name, signal)) steps.push(step)
  return steps
}

describe('a library', () => {
  it.each(['small', 'small:latest', 'small:1b'])(
    'pulls %s for what runs here, and tells how far it is',
    async (name) => {
      await using server = await FileServer.start(content)
      const opened = open(server.url)
      const steps = await pull(opened, name)
      expect(steps.at(-1)).toEqual({ file: 'small.gguf', sha256, received: content.length, total: content.length })
      expect(server.requests.map(({ path }) => path)).toEqual(['/small.gguf'])
      expect(existsSync(file())).toBe(true)
      expect(await pull(opened, name)).toEqual([])
    },
  )

  it('pulls a voice by the name that Piper gives it', async () => {
    await using server = await FileServer.start(content)
    await pull(open(server.url), 'en_US-amy-low')
    expect(existsSync(join(folder, 'models/en_US-amy-low.onnx.json'))).toBe(true)
  })

  it('tells the failure of a pull, and knows no other model', async () => {
    const opened = open(join(folder, 'nowhere'))
    await expect(pull(opened, 'large')).rejects.toMatchObject({ code: 'not-found' })
    await using server = await FileServer.start(Buffer.from('something else'))
    await expect(pull(open(server.url), 'small')).rejects.toMatchObject({ code: 'invalid' })
  })

  it('breaks a pull off whose reader leaves, and goes on from there with the next', async () => {
    await using server = await FileServer.start(content, (_, response) => {
      response.writeHead(200, { etag: '"one"', 'content-length': content.length }).write(content.subarray(0, half))
      return undefined
    })
    const opened = open(server.url)
    for await (const { received } of opened.library.pull('small', signal)) if (received === half) break
    expect(await opened.store.own.partBytes('small.gguf')).toBe(half)
    await pull(opened, 'small')
    expect(server.requests[1]?.range).toBe(`bytes=${half}-`)
    await until('the file', () => existsSync(file()))
  })

  it('copies a model to a name, which goes before the model does', async () => {
    const { library, scripted } = open(null)
    await mkdir(join(folder, 'models'), { recursive: true })
    await writeFile(file(), content)
    await library.copy('small:1b', 'mine')
    await library.copy('mine', 'yours:latest')
    expect(await library.copies()).toEqual([
      { name: 'mine', model: 'small' },
      { name: 'yours', model: 'small' },
    ])
    await expect(library.copy('nothing', 'other')).rejects.toMatchObject({ code: 'not-found' })
    await expect(library.copy('mine', 'small')).rejects.toMatchObject({ code: 'conflict' })
    await expect(library.copy('mine', 'small:1b')).rejects.toMatchObject({ code: 'conflict' })
    await expect(library.remove('small')).rejects.toThrow('also mine, yours')
    await library.remove('mine')
    await library.remove('yours')
    await scripted.load('small', { priority: 'batch', user: 'test' }, signal)
    await library.remove('small:1b')
    expect([existsSync(file()), scripted.log]).toEqual([false, ['load small', 'unload small']])
    await expect(library.remove('small')).rejects.toMatchObject({ code: 'not-found' })
  })

  it('removes nothing that lies where it does not write', async () => {
    const read = join(folder, 'read')
    await mkdir(read)
    await writeFile(join(read, 'small.gguf'), content)
    await expect(open(null, [read]).library.remove('small')).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining(join(read, 'small.gguf')),
    })
    expect(existsSync(join(read, 'small.gguf'))).toBe(true)
    await expect(open(null).library.remove('own')).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('own is no model of the catalogue (found in models.paths)'),
    })
  })
})
