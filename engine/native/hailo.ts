import { EngineError } from '../errors.ts'
import { type Addon, type Affine, addon, type FitOptions, type NativePool, type SlotImage } from './addon.ts'

/** The library in the variant of the addon that this process has loaded. */
export interface HailoLibrary {
  /** `5.2.0`; it is the one that the addon was built for. */
  readonly version: string
  /** It is the stand-in, which computes results of its own. */
  readonly simulated: boolean
  /** It has language and speech models (from 5.1.1 on). */
  readonly generative: boolean
}

/** What the driver said, as `hailo` of a rejection. Numbers move between releases; names do not. */
export interface HailoStatus {
  readonly status: number
  /** `HAILO_TIMEOUT`; empty where the failure is ours. */
  readonly name: string
  /**
   * `report`: somebody must change something. `retry`: the same call again, later. `evict`: memory is short, free some and try
   * once more. `fall-back`: no device for now, look again slowly. `recycle`: this process must be replaced.
   */
  readonly reaction: 'report' | 'retry' | 'evict' | 'fall-back' | 'recycle'
}

/** What the device says of itself; what a board or release cannot tell is left out. */
export interface HailoHealth {
  /** `0001:01:00.0` */
  readonly id: string
  /** `hailo10h`, `hailo8`, `hailo8l`, `hailo15h`, `hailo15l`, `hailo15m` or `unknown`. */
  readonly architecture: string
  readonly board: string
  readonly serial: string
  /** `5.2.0` */
  readonly firmware: string
  /** °C, the hotter of two sensors. */
  readonly temperature?: number
  /** W. */
  readonly power?: number
  /** 0 to 100. */
  readonly cpuPercent?: number
  readonly corePercent?: number
  /** The device's memory, for all models of all processes. */
  readonly memoryTotalBytes?: number
  readonly memoryUsedBytes?: number
}

/** What the device told of its own accord. `value`: °C, A, 0, or the throttling state 0 (none) to 6 (overheated). */
export interface HailoNotice {
  readonly kind: 'temperature-alarm' | 'overcurrent-alarm' | 'core-crc-error' | 'throttling'
  readonly value: number
}

/** A stream of a network, as its buffers hold it. */
export interface HailoTensor {
  readonly name: string
  readonly type: 'uint8' | 'uint16' | 'float32'
  readonly order:
    | 'NHWC'
    | 'NHW'
    | 'NC'
    | 'NV12'
    | 'RGB4'
    | 'NMS_BY_CLASS'
    | 'NMS_BY_SCORE'
    | 'NMS_WITH_BYTE_MASK'
    | 'other'
  /** height, width, features; of boxes: classes, most boxes (of one class where they come by class), 0. */
  readonly shape: readonly [number, number, number]
  /** Of one frame. */
  readonly bytes: number
}

/** How a network is loaded. */
export interface HailoModelOptions {
  /** Which network of the HEF; left out takes its only one. */
  readonly network?: string
  /** Most inferences under way, 1 to 16 (4); the device's queue may allow fewer. */
  readonly depth?: number
  /** Large outputs come as float32 too, which takes four times the bus. */
  readonly realOutputs?: boolean
}

/** How an image goes in, and what to make of the outputs. */
export interface HailoQuestion {
  readonly mode: FitOptions['mode']
  /** Value 0 to 255 of what lies outside of the source. */
  readonly pad: number
  /**
   * A kernel of `decodeKernels()`, or `hailo-nms` (rows x1 y1 x2 y2 score class), `hailo-masks` (of boxes with byte masks: the same,
   * then x y width height of the mask's crop), `hailo-tensor` (the one output as floats), `hailo-map` (its bytes).
   */
  readonly kernel: string
  readonly minScore: number
  /** 0 to 1; the device's own boxes (`hailo-nms`) have been suppressed already. */
  readonly iou: number
  readonly maxRows: number
  /** Class indexes to keep; empty keeps all. */
  readonly classes: readonly number[]
  /** As in the addon's `DecodeOptions`: heads with their sigmoid compiled in. */
  readonly activated?: boolean
  /** Slot for `hailo-map`'s bytes, or for masks, laid out as `MaskMap` says, of a kernel that has some; others refuse it. */
  readonly map?: number
  /** Masks as runs (see `DecodedSegments`), of a kernel that has some; others refuse it, and a map beside it. */
  readonly masks?: boolean
}

/** What was written into the slot: real = (value − zeroPoint) × scale. */
export interface HailoMap {
  readonly width: number
  readonly height: number
  readonly channels: number
  readonly type: HailoTensor['type']
  readonly bytes: number
  readonly zeroPoint: number
  readonly scale: number
}

export interface HailoAnswer {
  /** Best first, in pixels of the first image. */
  readonly rows: Float32Array
  /** Network input → source pixels of the first image. */
  readonly toSource: Affine
  readonly map?: HailoMap
  /** One per row, where they were asked for. */
  readonly masks?: readonly string[]
}

/** A network on the device, resident until `close`. */
export interface NativeHailoModel {
  readonly inputs: readonly HailoTensor[]
  readonly outputs: readonly HailoTensor[]
  /** Inferences that may be under way at once; one more is refused as `busy`. */
  readonly depth: number
  /** Buffers that could not be mapped: each costs a copy per transfer. */
  readonly unmapped: number
  /**
   * One per input: an image in a slot, or the bytes of a whole frame in the input's own type. Slots are read until the promise
   * settles. It may take as long as the device does: the caller's deadline ends the process.
   */
  infer(pool: NativePool, inputs: readonly (SlotImage | Uint8Array)[], question: HailoQuestion): Promise<HailoAnswer>
  /** 0 to 31 among the models of the device (16), from the next inference on; the device's scheduler takes higher ones first. */
  setPriority(priority: number): void
  /** Cancels what is under way and frees the network; at most 5 s, then `mustRecycle`. May be called twice. */
  close(): Promise<void>
}

/** What to generate; numbers that are left out take the model's own defaults. */
export interface HailoPrompt {
  /** JSON texts `{"role": …, "content": …}`: new turns only, since the context keeps the conversation. */
  readonly messages: readonly string[]
  /** JSON texts; on a fresh context only. */
  readonly tools?: readonly string[]
  /** One per image that the messages name, each exactly `frame.bytes` long. */
  readonly frames?: readonly Uint8Array[]
  /** Above 0. */
  readonly temperature?: number
  /** 0 to 1. */
  readonly topP?: number
  /** At least 1. */
  readonly topK?: number
  /** Not 0. */
  readonly frequencyPenalty?: number
  /** At least 1. */
  readonly maxTokens?: number
  readonly sample?: boolean
  readonly seed?: number
  /** Longest wait for the first token, prompt included (60,000), and for each next one (10,000). */
  readonly firstTokenDeadlineMs?: number
  readonly tokenDeadlineMs?: number
}

export interface HailoGenerated {
  readonly ending: 'complete' | 'max-tokens' | 'aborted'
  readonly tokens: number
  /** Tokens that the conversation has now. */
  readonly contextUsed: number
}

/** A generation under way. */
export interface HailoGeneration {
  readonly done: Promise<HailoGenerated>
  /** Asks for the end: it comes after the token in flight, or after the prompt has been read. May be called at any time. */
  abort(): void
}

/** The one language or vision-language model that a device can hold. */
export interface NativeHailoLanguage {
  /** Tokens that a conversation may have. */
  readonly contextCapacity: number
  /** What a vision model's frames are: uint8, rows of pixels. */
  readonly frame?: {
    readonly height: number
    readonly width: number
    readonly channels: number
    readonly bytes: number
  }
  /** One at a time; a second is `busy`. `onToken` is called with each token's text before `done` settles. */
  generate(prompt: HailoPrompt, onToken: (text: string) => void): HailoGeneration
  tokenise(text: string): Promise<Int32Array>
  setStopTokens(tokens: readonly string[]): Promise<void>
  contextUsed(): Promise<number>
  clearContext(): Promise<void>
  saveContext(): Promise<Buffer>
  loadContext(context: Uint8Array): Promise<void>
  /** Aborts what runs and frees the device's slot. May be called twice. */
  close(): Promise<void>
}

export interface HailoSegment {
  /** Seconds from the first sample. */
  readonly start: number
  readonly end: number
  readonly text: string
}

/** A speech recogniser on the device; it can be there beside a language model. */
export interface NativeHailoSpeech {
  /** 16 kHz mono, -1 to 1, at most 10 minutes. It cannot be aborted and has no deadline: the caller's ends the process. */
  transcribe(
    samples: Float32Array,
    options: { readonly translate?: boolean; readonly language?: string; readonly repetitionPenalty?: number },
  ): Promise<readonly HailoSegment[]>
  close(): Promise<void>
}

/** The device, shared with other processes of the group. */
export interface NativeHailo {
  health(): Promise<HailoHealth>
  /** What came since the last call, at most 64, oldest first, and how many were dropped. */
  notices(): { readonly notices: readonly HailoNotice[]; readonly dropped: number }
  /** Something of the library's could not be ended: only a new process clears that. */
  mustRecycle(): boolean
  /** The HEF's hash has been checked by the caller: the library can fault on a crafted one. */
  loadModel(path: string, options: HailoModelOptions): Promise<NativeHailoModel>
  /** `unavailable` when a language model is on the device already, in whatever process. */
  loadLanguage(path: string, kind: 'text' | 'vision'): Promise<NativeHailoLanguage>
  loadSpeech(path: string): Promise<NativeHailoSpeech>
  /** Models that are open keep the device. May be called twice. */
  close(): Promise<void>
}

/** What the variants with HailoRT export beside everything else. */
export interface HailoExports {
  /** Throws `unavailable` when the library is not of the release that the addon was built for. */
  hailoLibrary(): HailoLibrary
  /** Rejects with `unavailable` where there is no device. May take 10 s. */
  openHailo(options: { readonly group: string; readonly ids?: readonly string[] }): Promise<NativeHailo>
}

/** The addon with HailoRT in it. Throws `unavailable` in a process that has loaded the one without. */
export function hailoAddon(): Addon & HailoExports {
  const loaded = addon()
  if ('openHailo' in loaded) return loaded as Addon & HailoExports
  throw new EngineError('unavailable', 'Expected the addon with HailoRT, received the one without')
}
