import type { PooledImage } from '../core/packet.ts'
import type { Begun } from '../hosts/channel.ts'
import type { InferResult, Plan } from '../hosts/protocol.ts'
import type { Memory } from './eviction.ts'

/** One inference. The image is borrowed. */
export interface Question {
  readonly model: string
  readonly plan: Plan
  readonly image: PooledImage
  /** `[count × 6]`: see `Crop`; null asks once about the whole image. */
  readonly crops: Float32Array | null
  /** 0 to 31, for a device that shares itself among models by it. */
  readonly rank: number
}

/** What runs networks on images, in a host of its own. Models stay loaded until they are unloaded or the host dies; the next `load` brings them back. */
export interface VisionBackend {
  readonly name: 'hailo' | 'onnx'
  /** Where its models lie. */
  readonly memory: Memory
  /** Its name in the scheduler. */
  readonly device: string
  /** Its results come from the stand-in. */
  readonly simulated: boolean
  /** Why it cannot be asked anything now; undefined when it can. */
  readonly lack: string | undefined
  /** Whether `infer` can ask the model now. Cheap: it is called for every frame. */
  isLoaded(model: string): boolean
  /** Starts the host when it is down; waits for a restart that is under way. */
  start(): Promise<void>
  /** What a model is expected to take before it was ever loaded. */
  estimateBytes(fileBytes: number): number
  /**
   * Loads once, however many ask, and gives the bytes of memory that it took. Rejects with `invalid` for a file that cannot be run,
   * `unavailable` when the host died over it, and with `memoryFull` when there was no room.
   */
  load(model: string, path: string): Promise<number>
  /** Ends a model and gives the bytes that came free; 0 when the host is gone. Its next use needs `load`. */
  unload(model: string): Promise<number>
  /** Asks a loaded model. Borrows the image; the loan of its slot ends when the host has answered or was reaped. */
  infer(question: Question, signal: AbortSignal): Begun<InferResult>
}

/** What a device that is not always there adds. */
export interface DeviceBackend extends VisionBackend {
  /** Resolves when it is known whether the device is there; at the latest after a few seconds. */
  settled(): Promise<void>
  /** Told when the device has come or come back, with nothing loaded. */
  onReady(listener: () => void): void
  /** Told when the device or its host is lost, and with them all that was loaded. */
  onLost(listener: () => void): void
}
