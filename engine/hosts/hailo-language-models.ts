import { EngineError } from '../errors.ts'
import type { HailoNotice, NativeHailo, NativeHailoLanguage, NativeHailoSpeech } from '../native/hailo.ts'
import { askTwice } from './ask-twice.ts'
import type { HailoLanguageKind, HailoLanguageProtocol, HailoLoaded } from './hailo-language-protocol.ts'

type Calls = HailoLanguageProtocol['calls']

/** The models that this host has on the device, and the copies of their contexts that it keeps. */
export class HailoLanguageModels {
  readonly #device: NativeHailo
  readonly #languages = new Map<string, NativeHailoLanguage>()
  readonly #speech = new Map<string, NativeHailoSpeech>()
  readonly #contexts = new Map<string, Uint8Array>()

  constructor(device: NativeHailo) {
    this.#device = device
  }

  /** Whether only a new process can go on. */
  get mustRecycle(): boolean {
    return this.#device.mustRecycle()
  }

  health(): Promise<Calls['health']['result']> {
    return askTwice(() => this.#device.health())
  }

  /** What the device told since the last call. */
  notices(): readonly HailoNotice[] {
    return this.#device.notices().notices
  }

  async load(model: string, path: string, kind: HailoLanguageKind): Promise<HailoLoaded> {
    if (this.#languages.has(model) || this.#speech.has(model))
      throw new EngineError('conflict', `Expected a model that is not loaded, received ${model}`)
    const before = await this.#memoryUsed()
    const facts = kind === 'speech' ? await this.#loadSpeech(model, path) : await this.#loadLanguage(model, path, kind)
    const after = await this.#memoryUsed()
    return { ...facts, bytes: before === undefined || after === undefined ? null : Math.max(0, after - before) }
  }

  async unload(model: string): Promise<Calls['unload']['result']> {
    const loaded = this.#languages.get(model) ?? this.#speech.get(model)
    if (!loaded) return { bytes: 0 }
    this.#languages.delete(model)
    this.#speech.delete(model)
    const before = await this.#memoryUsed()
    await loaded.close()
    const after = await this.#memoryUsed()
    return { bytes: before === undefined || after === undefined ? null : Math.max(0, before - after) }
  }

  /** Throws `unavailable` for one that is not loaded. */
  language(model: string): NativeHailoLanguage {
    return expectLoaded(this.#languages.get(model), model)
  }

  /** Throws `unavailable` for one that is not loaded. */
  speech(model: string): NativeHailoSpeech {
    return expectLoaded(this.#speech.get(model), model)
  }

  async keepContext(model: string, key: string): Promise<{ bytes: number }> {
    const context = await this.language(model).saveContext()
    this.#contexts.set(key, context)
    return { bytes: context.length }
  }

  async restoreContext(model: string, key: string): Promise<{ restored: true }> {
    const context = this.#contexts.get(key)
    if (!context) throw new EngineError('not-found', `Expected a context that was kept, received ${key}`)
    this.#contexts.delete(key)
    await this.language(model).clearContext()
    await this.language(model).loadContext(context)
    return { restored: true }
  }

  forgetContexts(keys: readonly string[]): void {
    for (const key of keys) this.#contexts.delete(key)
  }

  async #loadLanguage(model: string, path: string, kind: 'text' | 'vision'): Promise<Omit<HailoLoaded, 'bytes'>> {
    const loaded = await this.#device.loadLanguage(path, kind)
    this.#languages.set(model, loaded)
    const { contextCapacity, frame } = loaded
    return { contextCapacity, frame: frame ? { width: frame.width, height: frame.height } : null }
  }

  async #loadSpeech(model: string, path: string): Promise<Omit<HailoLoaded, 'bytes'>> {
    this.#speech.set(model, await this.#device.loadSpeech(path))
    return { contextCapacity: 0, frame: null }
  }

  /** Undefined where the device does not tell it. */
  async #memoryUsed(): Promise<number | undefined> {
    return (await this.health()).memoryUsedBytes
  }
}

function expectLoaded<T>(loaded: T | undefined, model: string): T {
  if (loaded) return loaded
  throw new EngineError('unavailable', `Expected model ${model} to be loaded; try again`)
}
