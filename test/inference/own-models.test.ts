import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parseCatalogue } from '../../engine/inference/catalogue.ts'
import { ModelStore, type ModelStoreOptions } from '../../engine/inference/model-store.ts'
import { identify, removeModel, verifyModel } from '../../engine/inference/model-upkeep.ts'
import type { FetchProgress } from '../../engine/inference/own-models.ts'
import { content, sha256 } from '../support/download-folder.ts'
import { FileServer } from '../support/file-server.ts'
import { until } from '../support/wait.ts'

const never = new AbortController().signal
const url = 'https://models.invalid'
const catalogue = parseCatalogue(
  `
toy:
  task: detect
  summary: A toy
  licence: MIT
  hailo: { files: [{ name: toy.hef, url: '${url}/toy.hef' }], verified: false, inputs: [1x1x3], outputs: none }
  onnx: { files: [{ name: toy.onnx, url: '${url}/toy.onnx' }], verified: false }
voice:
  task: speak
  summary: A voice
  licence: CC0
  piper:
    files: [{ name: xx-toy.onnx, url: '${url}/a.onnx' }, { name: xx-toy.onnx.json, url: '${url}/a.onnx.json', role: settings }]
    verified: false
    language: xx_XX
known:
  task: detect
  summary: Another toy
  licence: MIT
  onnx: { files: [{ name: known.onnx, url: '${url}/known.onnx', sha256: ${sha256} }], verified: false }
`,
  'models.yaml',
)
const toy = catalogue.model('toy')

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hailstream-own-'))
})
afterEach(() => rm(folder, { recursive: true }))

function openStore(options: Partial<ModelStoreOptions> = {}): ModelStore {
  const log = pino({ level: 'silent' })
  return new ModelStore({ catalogue, stateFolder: folder, paths: [], mirror: null, log, ...options })
}

const inModels = (name: string) => join(folder, 'models', name)

describe('our own folder of models', () => {
  test('fetches once however many pull or ask at once, and the others wait, told how far it is', async () => {
    let release = (): void => undefined
    await using server = await FileServer.start(content, (_, response) => {
      response.writeHead(200, { etag: '"one"', 'content-length': content.length }).write(content.subarray(0, 1000))
      release = () => response.end(content.subarray(1000))
      return undefined
    })
    await using first = openStore({ mirror: server.url })
    await using second = openStore({ mirror: server.url })
    const told: FetchProgress[] = []
    const onProgress = (step: FetchProgress) => void told.push(step)
    const pulls = [first.pull('toy', never)]
    await until('the first to fetch', () => server.requests.length === 1)
    pulls.push(second.pull('toy', never, { onProgress }))
    await using third = openStore({ mirror: server.url })
    const engine = third.locate('toy')
    await until('the second to wait', () => told.some(({ waiting, received }) => waiting && received === 1000))
    release()
    const [one, other] = await Promise.all(pulls)
    expect(await engine).toMatchObject({ path: inModels('toy.onnx') })
    expect([one?.paths, other?.paths]).toEqual([[inModels('toy.onnx')], [inModels('toy.onnx')]])
    expect(server.requests).toHaveLength(1)
    expect(told.find(({ received }) => received === 1000)).toMatchObject({ file: 'toy.onnx', total: content.length })
  })

  test('fetches all files of an artefact, and says where each lies', async () => {
    await using server = await FileServer.start(content)
    await using store = openStore({ mirror: server.url })
    expect(await store.locateFiles('voice', 'piper')).toMatchObject({
      paths: [inModels('xx-toy.onnx'), inModels('xx-toy.onnx.json')],
    })
    await rm(inModels('xx-toy.onnx.json'))
    await using alone = openStore()
    expect(await alone.locate('voice', 'piper')).toEqual({
      missing: 'xx-toy.onnx.json is not in models.paths, and there is no mirror',
    })
    await expect(alone.locate('voice')).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('piper'),
    })
  })

  test('holds a file to what it was when it first came, also after it was removed', async () => {
    await using server = await FileServer.start(content)
    await using store = openStore({ mirror: server.url })
    await store.pull('toy', never)
    await removeModel(toy, store)
    expect(existsSync(inModels('toy.onnx'))).toBe(false)
    server.served.content = Buffer.from(content).fill(1, 5, 9)
    const message = expect.stringMatching(
      new RegExp(`SHA-256 ${sha256}, received .*first came; to accept another one: rm .*records/toy.onnx.json`),
    )
    await expect(store.pull('toy', never)).rejects.toMatchObject({ code: 'invalid', message })
    expect(existsSync(inModels('toy.onnx'))).toBe(false)
    await rm(inModels('records/toy.onnx.json'))
    await store.pull('toy', never)
    expect((await readFile(inModels('toy.onnx'))).equals(server.served.content)).toBe(true)
  })

  test('does not take a file for a model that has changed since it came', async () => {
    await using server = await FileServer.start(content)
    await using store = openStore({ mirror: server.url })
    await store.pull('toy', never)
    await using later = openStore()
    expect(await later.locate('toy')).toMatchObject({ path: inModels('toy.onnx') })
    await writeFile(inModels('toy.onnx'), Buffer.from(content).fill(1, 5, 9))
    expect(await later.locate('toy')).toMatchObject({ missing: expect.stringMatching(/SHA-256 .*, received/) })
    await writeFile(inModels('toy.onnx'), content.subarray(1))
    expect(await later.locate('toy')).toMatchObject({ missing: expect.stringMatching(/300000 bytes, received 299999/) })
    expect(await verifyModel(toy, later)).toEqual([expect.objectContaining({ verdict: 'changed', file: 'toy.onnx' })])
  })

  test('hashes a file again that only looks as it was', async () => {
    await using server = await FileServer.start(content)
    await using store = openStore({ mirror: server.url })
    await store.pull('toy', never)
    const { mtimeMs } = JSON.parse(await readFile(inModels('records/toy.onnx.json'), 'utf8'))
    await writeFile(inModels('toy.onnx'), Buffer.from(content).fill(1, 5, 9))
    await utimes(inModels('toy.onnx'), new Date(), new Date(mtimeMs + 2000))
    await using later = openStore()
    expect(await later.locate('toy')).toMatchObject({ missing: expect.stringMatching(/SHA-256/) })
    expect((await verifyModel(toy, later))[0]?.verdict).toBe('changed')
    expect(await store.locate('toy')).toMatchObject({ why: 'fetched from the mirror' })
    expect((await readFile(inModels('toy.onnx'))).equals(content)).toBe(true)
  })

  test('removes nothing that is being fetched, and says which copies stay', async () => {
    await using server = await FileServer.start(content, (_, response) => {
      response.writeHead(200, { 'content-length': content.length }).write(content.subarray(0, 1000))
      return undefined
    })
    const paths = [join(folder, 'read-only')]
    await using store = openStore({ mirror: server.url })
    const interrupt = new AbortController()
    const pull = store.pull('toy', interrupt.signal)
    await until('the beginning', () => server.requests.length === 1 && existsSync(inModels('parts/toy.onnx.json')))
    await expect(removeModel(toy, store)).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('toy.onnx'),
    })
    interrupt.abort()
    await expect(pull).rejects.toMatchObject({ code: 'cancelled' })
    await store.pull('toy', never)
    await mkdir(join(folder, 'read-only'))
    await cp(inModels('toy.onnx'), join(folder, 'read-only/toy.onnx'), { recursive: true })
    await using both = openStore({ paths })
    expect(await removeModel(toy, both)).toEqual({
      bytes: content.length,
      staying: [join(folder, 'read-only/toy.onnx')],
    })
    expect((await readdir(inModels('parts'))).filter((name) => !name.endsWith('.lock'))).toEqual([])
  })
})

describe('importing a file', () => {
  const source = () => join(folder, 'from elsewhere.onnx')

  test('takes it for what its name, its hash or the one who imports it says', async () => {
    await writeFile(join(folder, 'toy.hef'), 'anything')
    expect((await identify(join(folder, 'toy.hef'), catalogue, undefined)).file.name).toBe('toy.hef')
    await writeFile(source(), content)
    expect((await identify(source(), catalogue, undefined)).file.name).toBe('known.onnx')
    expect((await identify(source(), catalogue, 'toy')).file.name).toBe('toy.onnx')
    expect((await identify(source(), catalogue, 'xx-toy.onnx')).model.name).toBe('voice')
  })

  test('says what it would take for a file that nobody knows', async () => {
    await writeFile(source(), 'unknown')
    const message = expect.stringMatching(
      /from elsewhere\.onnx with SHA-256 [0-9a-f]{64}.*--as NAME.*toy\.onnx, .*known\.onnx/,
    )
    await expect(identify(source(), catalogue, undefined)).rejects.toMatchObject({ code: 'invalid', message })
    await expect(identify(source(), catalogue, 'tyo')).rejects.toMatchObject({ code: 'not-found' })
    await writeFile(join(folder, 'a.gguf'), 'unknown')
    await expect(identify(join(folder, 'a.gguf'), catalogue, 'toy')).rejects.toThrow(
      /one file of toy \(toy\.onnx, toy\.hef\)/,
    )
    await expect(identify(join(folder, 'none'), catalogue, undefined)).rejects.toMatchObject({ code: 'not-found' })
    await expect(identify(folder, catalogue, undefined)).rejects.toMatchObject({ code: 'invalid' })
  })

  test('copies, checks and records it, and leaves nothing of a wrong one', async () => {
    await using store = openStore()
    await writeFile(source(), content)
    const { file } = await identify(source(), catalogue, undefined)
    expect(await store.own.adopt(source(), file, never)).toBe(inModels('known.onnx'))
    expect(JSON.parse(await readFile(inModels('records/known.onnx.json'), 'utf8'))).toMatchObject({
      sha256,
      source: source(),
    })
    expect(await verifyModel(catalogue.model('known'), store)).toEqual([expect.objectContaining({ verdict: 'ok' })])
    await rm(inModels('known.onnx'))
    await writeFile(source(), Buffer.from(content).fill(1, 5, 9))
    await expect(store.own.adopt(source(), file, never)).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining(sha256),
    })
    expect((await readdir(inModels(''))).sort()).toEqual(['parts', 'records'])
    expect(await readdir(inModels('parts'))).toEqual(['known.onnx.lock'])
  })
})
