import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Catalogue, parseCatalogue } from '../../engine/inference/catalogue.ts'
import { ModelStore, type ModelStoreOptions } from '../../engine/inference/model-store.ts'
import type { FetchProgress } from '../../engine/inference/own-models.ts'

const content = 'the weights of a toy'
const sha256 = createHash('sha256').update(content).digest('hex')

function toyText(extra: string): string {
  return `
toy:
  task: detect
  summary: A toy
  licence: MIT
  onnx:
    files: [{ name: toy.onnx, url: 'https://models.invalid/toy.onnx' ${extra} }]
    verified: false
    plan: { fit: stretch, pad: 0, kernel: yolo-v8, minScore: 0.5 }
  labels: coco80
`
}

function toyCatalogue(extra = ''): Catalogue {
  const bundled = `
movenet-lightning:
  task: pose
  summary: MoveNet
  licence: Apache-2.0
  onnx:
    files: [{ name: movenet-lightning.onnx }]
    bundled: { package: '@vladmandic/human', model: models/movenet-lightning, outputs: [StatefulPartitionedCall/Sigmoid] }
    plan: { fit: letterbox, pad: 0, kernel: movenet, minScore: 0 }
  labels: person
`
  return parseCatalogue(toyText(extra) + bundled, 'models.yaml')
}

let folder: string
let server: Server | undefined
const signal = new AbortController().signal

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hailstream-store-'))
})
afterEach(async () => {
  vi.restoreAllMocks()
  vi.useRealTimers()
  server?.closeAllConnections()
  server?.close()
  server = undefined
  await rm(folder, { recursive: true })
})

function openStore(options: Partial<ModelStoreOptions> = {}): ModelStore {
  const log = pino({ level: 'silent' })
  const state = join(folder, 'state')
  return new ModelStore({ catalogue: toyCatalogue(), stateFolder: state, paths: [], mirror: null, log, ...options })
}

async function put(place: string, text: string = content): Promise<string> {
  await mkdir(join(folder, place), { recursive: true })
  await writeFile(join(folder, place, 'toy.onnx'), text)
  return join(folder, place)
}

async function serve(listener: RequestListener): Promise<string> {
  server = createServer(listener)
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function downloaded(): Promise<string[]> {
  const entries = await readdir(join(folder, 'state/models'), { withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name)
}

describe('locating a model', () => {
  test('takes the configured folders before the mirror', async () => {
    await using store = openStore({ paths: [join(folder, 'none'), await put('here')], mirror: await put('mirror') })
    expect(await store.locate('toy')).toEqual({ path: join(folder, 'here/toy.onnx'), why: 'found in models.paths' })
  })

  test('searches models.paths, packages, the mirror and its own folder, in this order', async () => {
    const places = ['paths', 'packaged', 'mirror', 'state/models']
    for (const place of places) await put(place)
    const [paths, packaged, mirror] = places.map((place) => join(folder, place)) as [string, string, string]
    await using store = openStore({ paths: [paths], packaged, mirror })
    const found: string[] = []
    for (const place of places) {
      found.push(((await store.locate('toy')) as { why: string }).why)
      await rm(join(folder, place, 'toy.onnx'))
    }
    const rest = ['found in the mirror', 'found among the downloaded models']
    expect(found).toEqual(['found in models.paths', `found in ${packaged}`, ...rest])
  })

  test('uses the files of a mirror that is a folder where they lie', async () => {
    await using store = openStore({ mirror: await put('mirror') })
    expect(await store.locate('toy')).toEqual({ path: join(folder, 'mirror/toy.onnx'), why: 'found in the mirror' })
    expect(await downloaded()).toEqual([])
  })

  test('fetches from a mirror that is an address, once for all who ask, and keeps the file', async () => {
    const asked: string[] = []
    const mirror = await serve(({ url = '' }, response) => {
      asked.push(url)
      response.end(content)
    })
    await using store = openStore({ mirror: `${mirror}/artefacts/` })
    const [place, same] = await Promise.all([store.locate('toy'), store.locate('toy')])
    const path = join(folder, 'state/models/toy.onnx')
    expect(place).toEqual({ path, why: 'fetched from the mirror' })
    expect(same).toEqual(place)
    expect(await store.locate('toy')).toEqual({ path, why: 'found among the downloaded models' })
    expect(asked).toEqual(['/artefacts/toy.onnx'])
    expect(await readFile(path, 'utf8')).toBe(content)
    expect(await downloaded()).toEqual(['toy.onnx'])
  })

  test('does not ask a mirror again at once for what it lacks', async () => {
    let asked = 0
    const mirror = await serve((_, response) => {
      asked++
      response.writeHead(404).end()
    })
    await using store = openStore({ mirror })
    const place = await store.locate('toy')
    expect(place).toMatchObject({ missing: expect.stringMatching(/mirror.*answer 200, received 404/) })
    expect(await store.locate('toy')).toEqual(place)
    expect(asked).toBe(1)
    const later = performance.now() + 61_000
    vi.spyOn(performance, 'now').mockReturnValue(later)
    await store.locate('toy')
    expect(asked).toBe(2)
  })

  test('asks the mirror again soon when it was the disk that took no file', async () => {
    const mirror = await serve((_, response) => response.end(content))
    const onWritten = vi.fn()
    await using store = openStore({ mirror, onWritten })
    await mkdir(join(folder, 'state'))
    await writeFile(join(folder, 'state/models'), 'not a folder')
    const refused = await store.locate('toy')
    expect(refused).toMatchObject({
      missing: expect.stringMatching(/state\/models\/parts to take toy.onnx.lock, received ENOTDIR/),
    })
    expect(onWritten).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code: 'unavailable' }))
    await rm(join(folder, 'state/models'))
    expect(await store.locate('toy')).toEqual(refused)
    const later = performance.now() + 2001
    vi.spyOn(performance, 'now').mockReturnValue(later)
    expect(await store.locate('toy')).toMatchObject({ why: 'fetched from the mirror' })
    expect(onWritten).toHaveBeenLastCalledWith(undefined)
  })

  test('waits for a mirror that does not answer only once, whatever is looked for', async () => {
    const catalogue = parseCatalogue(
      ['toy', 'top']
        .map((name) => toyText('').replace('toy:', `${name}:`).replaceAll('toy.onnx', `${name}.onnx`))
        .join(''),
      'models.yaml',
    )
    const fetched = vi.spyOn(globalThis, 'fetch').mockRejectedValue(new TypeError('fetch failed'))
    await using store = openStore({ catalogue, mirror: 'http://mirror.invalid' })
    for (const name of ['toy', 'top']) {
      expect(await store.locate(name)).toMatchObject({ missing: expect.stringContaining('Could not fetch') })
    }
    expect(fetched).toHaveBeenCalledOnce()
  })

  test('never goes to the public address', async () => {
    const fetched = vi.spyOn(globalThis, 'fetch')
    await using store = openStore()
    expect(await store.locate('toy')).toEqual({ missing: 'toy.onnx is not in models.paths, and there is no mirror' })
    expect(fetched).not.toHaveBeenCalled()
  })

  test('passes by a file with another hash, and says so', async () => {
    const catalogue = toyCatalogue(`, sha256: ${sha256}`)
    const wrong = await put('wrong', 'other weights')
    await using store = openStore({ catalogue, paths: [wrong] })
    expect(await store.locate('toy')).toMatchObject({ missing: expect.stringContaining(`SHA-256 ${sha256}, received`) })
    await using richer = openStore({ catalogue, paths: [wrong, await put('right')] })
    expect(await richer.locate('toy')).toMatchObject({ path: join(folder, 'right/toy.onnx') })
  })

  test('passes by an empty file', async () => {
    await using store = openStore({ paths: [await put('empty', '')] })
    expect(await store.locate('toy')).toMatchObject({ missing: expect.stringContaining('empty/toy.onnx') })
  })

  test('converts a bundled model when it is first asked for', async () => {
    await using store = openStore()
    const place = await store.locate('movenet-lightning')
    expect(place).toMatchObject({ why: 'comes with the installation' })
    expect(await downloaded()).toEqual([expect.stringMatching(/^movenet-lightning-[0-9a-f]{12}\.onnx$/)])
  })

  test('names the models there are for a name that is unknown', async () => {
    await using store = openStore()
    await expect(store.locate('tyo')).rejects.toMatchObject({ code: 'not-found' })
  })

  test('says what is there without fetching or converting', async () => {
    const fetched = vi.spyOn(globalThis, 'fetch')
    await using store = openStore({ mirror: 'http://127.0.0.1:9' })
    expect(await store.status()).toEqual([
      { name: 'toy', task: 'detect', state: 'missing', why: 'toy.onnx is not in models.paths or the mirror' },
      { name: 'movenet-lightning', task: 'pose', state: 'available', why: 'comes with the installation' },
    ])
    expect(fetched).not.toHaveBeenCalled()
    expect(await downloaded()).toEqual([])
  })

  test('looks at the files once a second, and anew when one was fetched', async () => {
    await using store = openStore({ mirror: await serve((_, response) => response.end(content)) })
    const stateOf = async () => (await store.status()).find(({ name }) => name === 'toy')?.state
    expect(await stateOf()).toBe('missing')
    await store.locate('toy')
    expect(await stateOf()).toBe('available')
    await rm(join(folder, 'state', 'models', 'toy.onnx'))
    expect(await stateOf()).toBe('available')
    vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 1000)
    expect(await stateOf()).toBe('missing')
  })

  test('ends a fetch when it is closed, and answers nobody afterwards', async () => {
    const reached = vi.fn()
    const store = openStore({ mirror: await serve(reached) })
    const place = store.locate('toy')
    await vi.waitUntil(() => reached.mock.calls.length === 1)
    await store[Symbol.asyncDispose]()
    expect(await place).toMatchObject({ missing: expect.stringContaining('cancelled') })
    await expect(store.locate('toy')).rejects.toMatchObject({ code: 'closed' })
    expect(await downloaded()).toEqual([])
  })
})

describe('pulling a model', () => {
  test('fetches from the public address, on request only, and reports progress', async () => {
    const fetched = vi.spyOn(globalThis, 'fetch').mockImplementation(async () => new Response(content))
    await using store = openStore()
    const progress: FetchProgress[] = []
    const place = await store.pull('toy', signal, { onProgress: (step) => progress.push(step) })
    expect(fetched.mock.calls[0]?.[0]).toBe('https://models.invalid/toy.onnx')
    expect(place).toEqual({ paths: [join(folder, 'state/models/toy.onnx')], why: 'fetched from models.invalid' })
    expect(progress.at(-1)).toEqual({ file: 'toy.onnx', received: content.length, total: null, waiting: false })
  })

  test('prefers what is there already', async () => {
    const fetched = vi.spyOn(globalThis, 'fetch')
    await using store = openStore({ paths: [await put('here')] })
    expect(await store.pull('toy', signal)).toMatchObject({ why: 'found in models.paths' })
    expect(fetched).not.toHaveBeenCalled()
  })
})
