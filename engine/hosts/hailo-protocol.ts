import type { SlotImage } from '../native/addon.ts'
import type { HailoHealth, HailoLibrary, HailoNotice, HailoStatus, HailoTensor } from '../native/hailo.ts'
import type { InferResult, Plan, Protocol } from './protocol.ts'

/** Why the driver refused, with what to do about it: see `HailoStatus`. */
export interface HailoRefusal {
  readonly reaction: HailoStatus['reaction']
  readonly message: string
}

/** The device as a host that has opened it sees it. */
export interface HailoOpened {
  readonly library: HailoLibrary
  readonly health: HailoHealth
}

/** Between the engine and the host that runs networks on the Hailo device. */
export interface HailoVisionProtocol extends Protocol {
  calls: {
    /** Opens the device, or finds it open. The library may take 10 s for it. */
    open: {
      params: { readonly group: string }
      result: { readonly opened: HailoOpened } | { readonly refused: HailoRefusal }
    }
    /** Loads a HEF, whose hash the engine has checked, in place of a model of that name. `bytes`: by how much the device's memory filled. */
    load: {
      params: { readonly model: string; readonly path: string }
      result:
        | { readonly inputs: readonly HailoTensor[]; readonly outputs: readonly HailoTensor[]; readonly bytes: number }
        | { readonly refused: HailoRefusal }
    }
    /** Cancels what it runs and frees it. `bytes`: by how much the device's memory emptied. */
    unload: { params: { readonly model: string }; result: { readonly bytes: number } }
    /** As `VisionProtocol.infer`; `priority` 0 to 31 among the models of the device, kept until it changes. */
    infer: {
      params: {
        readonly model: string
        readonly plan: Plan
        readonly image: SlotImage
        readonly crops: Float32Array | null
        readonly priority: number
      }
      result: InferResult
    }
    /** How the device is, and what it told since the last call. */
    health: {
      params: Record<string, never>
      result: { readonly health: HailoHealth; readonly notices: readonly HailoNotice[]; readonly dropped: number }
    }
    ping: { params: Record<string, never>; result: { readonly now: bigint } }
  }
  streams: Record<never, never>
  toHost: Record<never, never>
  toEngine: {
    /** The library cannot go on in this process, which ends itself soon after: told before the answer that found it out. */
    ending: { readonly reason: string }
  }
}
