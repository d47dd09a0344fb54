import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { EngineError } from '../../engine/errors.ts'
import type { VisionBackend } from '../../engine/inference/backend.ts'
import { loadCatalogue } from '../../engine/inference/catalogue.ts'
import { LearnedSizes } from '../../engine/inference/learned-sizes.ts'
import { ModelChoice } from '../../engine/inference/model-choice.ts'
import { Residency } from '../../engine/inference/residency.ts'
import { loadTasks, type VisionTask } from '../../engine/inference/vision-task.ts'
import { until } from '../support/wait.ts'

const log = pino({ level: 'silent' })
const never = new AbortController().signal
const use = { priority: 'interactive', user: 'test' } as const
const [first, fileBytes] = ['yolov8m', 100]

/** A backend whose loads do what a test says. */
class ScriptedBackend implements VisionBackend {
  readonly name: VisionBackend['name']
  readonly memory: VisionBackend['memory']
  readonly device = 'scripted'
  readonly simulated = true
  readonly lack = undefined
  readonly loaded = new Set<string>()
  failure: EngineError | undefined
  loads = 0

  constructor(name: VisionBackend['name'], memory: VisionBackend['memory']) {
    this.name = name
    this.memory = memory
  }
  isLoaded(model: string): boolean {
    return this.loaded.has(model)
  }
  start(): Promise<void> {
    return Promise.resolve()
  }
  estimateBytes(bytes: number): number {
    return bytes
  }
  async load(model: string): Promise<number> {
    this.loads++
    if (this.failure) throw this.failure
    this.loaded.add(model)
    return fileBytes
  }
  async unload(model: string): Promise<number> {
    return this.loaded.delete(model) ? fileBytes : 0
  }
  infer(): never {
    throw new Error('Expected no inference')
  }
}

describe('the choice of a model', () => {
  let folder: string
  let detect: VisionTask
  let sizes: LearnedSizes
  let residency: Residency
  let choice: ModelChoice
  let deviceBytes: number
  let hailo: ScriptedBackend
  const choose = () => choice.choose(detect, undefined, use, never)

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hailstream-choice-'))
    const path = join(folder, 'model')
    await writeFile(path, Buffer.alloc(fileBytes))
    const tasks = await loadTasks(join(import.meta.dirname, '../../engine/tasks'))
    detect = tasks.find(({ name }) => name === 'detect') as VisionTask
    deviceBytes = 1000
    hailo = new ScriptedBackend('hailo', 'device')
    sizes = new LearnedSizes({ stateFolder: folder, log })
    const budget = (memory: VisionBackend['memory']) => (memory === 'device' ? deviceBytes : null)
    residency = new Residency({ budget, pinned: [], keepAlive: -1 })
    const locate = async (name: string, backend?: string) =>
      backend === 'onnx' || name === first ? { path, why: 'a test made it' } : { missing: 'a test made none' }
    const store = { locate, status: async () => [] }
    const backends = [hailo, new ScriptedBackend('onnx', 'host')]
    choice = new ModelChoice({ catalogue: loadCatalogue(), store, sizes, log, residency, backends })
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  })
  afterEach(async () => {
    choice[Symbol.dispose]()
    residency[Symbol.dispose]()
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
    await sizes[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })

  it('goes back by itself to a model over whose loading the host died, and tries it more rarely when it dies again', async () => {
    hailo.failure = new EngineError('unavailable', 'Expected a host, it died')
    for (let i = 0; i < 2; i++) await expect(choose()).rejects.toMatchObject({ code: 'unavailable' })
    const instead = await choose()
    expect([instead.backend.name, hailo.loads]).toEqual(['onnx', 3])
    vi.advanceTimersByTime(59_000)
    expect(choice.isReady(await choose())).toBe(true)
    expect(hailo.loads).toBe(3)
    vi.advanceTimersByTime(2000)
    await until('the fourth load', () => hailo.loads === 4)
    await until('the next choice', () => !choice.isReady(instead))
    expect((await choose()).backend.name).toBe('onnx')
    hailo.failure = undefined
    vi.advanceTimersByTime(100_000)
    expect((await choose()).backend.name).toBe('onnx')
    vi.advanceTimersByTime(21_000)
    await until('the model', () => hailo.isLoaded(first))
    await until('the choice of it', async () => (await choose()).entry.name === first)
    expect((await choose()).backend.name).toBe('hailo')
  })

  it('goes back by itself to a model that was larger than what others had left of the device', async () => {
    deviceBytes = fileBytes - 1
    const instead = await choose()
    expect([instead.backend.name, hailo.loads]).toEqual(['onnx', 0])
    deviceBytes = 1000
    expect((await choose()).backend.name).toBe('onnx')
    vi.advanceTimersByTime(61_000)
    await until('the next choice', () => !choice.isReady(instead))
    expect(await choose()).toMatchObject({ entry: { name: first }, backend: { name: 'hailo' } })
  })
})
