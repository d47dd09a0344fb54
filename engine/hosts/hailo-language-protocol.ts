import type {
  HailoGenerated,
  HailoHealth,
  HailoLibrary,
  HailoNotice,
  HailoPrompt,
  HailoSegment,
} from '../native/hailo.ts'
import type { HailoRefusal } from './hailo-protocol.ts'
import type { Protocol } from './protocol.ts'

/** What a model is to the library. A device holds one of `text` and `vision` in all, and one of `speech` beside it. */
export type HailoLanguageKind = 'text' | 'vision' | 'speech'

/** A model that was loaded. */
export interface HailoLoaded {
  /** By how much the device's memory use grew; null where the device does not tell it. */
  readonly bytes: number | null
  /** Tokens; 0 for speech. */
  readonly contextCapacity: number
  /** Pixels of a vision model's frames. */
  readonly frame: { readonly width: number; readonly height: number } | null
}

/** A model by its name, as it was loaded. */
interface Named {
  readonly model: string
}

/** Between the engine and the host of language and speech on a Hailo device. */
export interface HailoLanguageProtocol extends Protocol {
  calls: {
    /** Opens the device, once; to be called before all else. Rejects with `unavailable` where there is none. */
    open: { params: { readonly group: string }; result: { readonly library: HailoLibrary } }
    /** The HEF's hash has been checked by the engine. Refused also when another process has the place of a language model. */
    load: {
      params: Named & { readonly path: string; readonly kind: HailoLanguageKind }
      result: HailoLoaded | { readonly refused: HailoRefusal }
    }
    /** Aborts what runs, frees the place. `bytes` as of `load`, 0 for one that is not loaded. */
    unload: { params: Named; result: { readonly bytes: number | null } }
    countTokens: { params: Named & { readonly text: string }; result: { readonly tokens: number } }
    clearContext: { params: Named; result: { readonly cleared: true } }
    /** Keeps a copy of the context in the host, under a name of the engine's. `bytes` of the host's memory. */
    keepContext: { params: Named & { readonly key: string }; result: { readonly bytes: number } }
    /** Puts a kept copy in the place of the context, and forgets the copy. */
    restoreContext: { params: Named & { readonly key: string }; result: { readonly restored: true } }
    /**
     * Decodes a picture whose bytes lie in slots, one after the other, fits it into the model's frame and keeps it for the next
     * generation that names it. The slots are read until it is answered.
     */
    decodeFrame: {
      params: Named & { readonly parts: readonly { readonly slot: number; readonly bytes: number }[] }
      result: { readonly frame: number }
    }
    /** 16 kHz mono, −1 to 1, at most 10 minutes. It cannot be aborted. */
    transcribe: {
      params: Named & {
        readonly samples: Float32Array
        readonly language: string | null
        readonly translate: boolean
      }
      result: { readonly segments: readonly HailoSegment[] }
    }
    health: { params: Record<string, never>; result: HailoHealth }
    ping: { params: Record<string, never>; result: { readonly now: bigint } }
  }
  streams: {
    /**
     * One at a time for a model. Cancelled, it ends after the token in flight; while the prompt is read, after that. `frames`: what
     * `decodeFrame` gave, in the order in which the messages name pictures.
     */
    generate: {
      params: Named & { readonly prompt: Omit<HailoPrompt, 'frames'>; readonly frames: readonly number[] }
      item: { readonly text: string } | { readonly done: HailoGenerated }
    }
  }
  toHost: {
    /** Kept copies and frames that nobody will ask for. */
    forget: { readonly contexts: readonly string[]; readonly frames: readonly number[] }
  }
  toEngine: {
    notice: HailoNotice
    /** The library cannot go on in this process, which ends itself after this. */
    recycling: { readonly reason: string }
  }
}
