import type { DeviceLimits } from './device-queue.ts'
import type { Memory } from './eviction.ts'
import type { LanguageModel, LanguageModelStatus } from './language.ts'

/**
 * A model that a backend can run here, or could after a `pull`. `name` is the catalogue's; for a file that the catalogue does not
 * know its name without the ending, for a server's model the name that the server gives it. What depends on who has loaded what is
 * the engine's to say.
 */
export interface LanguageOffer
  extends Omit<LanguageModelStatus, 'backend' | 'simulated' | 'state' | 'memoryBytes' | 'expiresAt'> {
  /** `failed`: its file or its device is no good now; `why` says what to do. A model that is loaded is `available`. */
  readonly state: 'available' | 'missing' | 'failed'
  /** Bytes that it is expected to take before it was ever loaded; 0 where it takes no memory of this machine. */
  readonly estimatedBytes: number
}

/** A model that was loaded. */
export interface LoadedLanguage {
  readonly model: LanguageModel
  /** Of `memory`, measured; 0 where it takes none. */
  readonly bytes: number
}

/**
 * What runs language models: llama.cpp, the Hailo device, or a server by its address. The engine decides who runs next, what is loaded
 * and what has to go; a backend does as it is told. Of two backends that can run one model the first in the engine's list does.
 */
export interface LanguageBackend extends AsyncDisposable {
  /** As `/api/models` names it: `hailo`, `llama`, or what the configuration calls a server. */
  readonly name: string
  readonly simulated: boolean
  /** Where its models lie; null for a server elsewhere, whose models nobody here loads or evicts: `load` then only makes the model known. */
  readonly memory: Memory | null
  /** Whether it holds one of its models at a time: another that is loaded takes the place of an unused and unpinned one. */
  readonly exclusive: boolean
  /** Works at once, in all and of one model; all others wait in the engine. */
  readonly limits: DeviceLimits
  /** The catalogue's order, then others by name. Looks at files and asks servers, within 2 s; no generation delays it, nothing is loaded by it. */
  offers(): Promise<readonly LanguageOffer[]>
  /**
   * Loads an offered model; the engine loads one at a time, and never one that is loaded. Starts its host if need be. Rejects with
   * `invalid` for a file that is no good (it is not tried again until it changes), `unavailable` when the host died, the device is
   * away or the server does not answer, `busy` when its place is taken from outside. The signal is the engine's end.
   */
  load(name: string, signal: AbortSignal): Promise<LoadedLanguage>
  /** Resolves with the bytes that came free, once they are; 0 for one that is not loaded, and when the host has died. Never asked while it runs. */
  unload(name: string): Promise<number>
  /** Whether it can be asked now: false as soon as its host is gone. Cheap. */
  isLoaded(name: string): boolean
  /** Told when models that were loaded are gone with their host; the function given back ends it. The engine loads those that are pinned or in use again. */
  onLost?(listener: () => void): () => void
  /** A server's own keep-alive, in seconds as `Language.keepAlive`; left out where `memory` says that the engine does it. */
  keepAlive?(name: string, seconds: number): void
}
