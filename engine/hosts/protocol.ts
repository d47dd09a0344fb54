import type { SlotLoan } from '../core/image-pool.ts'
import type { ImageFormat, ImageSpec, PixelFormat } from '../core/packet.ts'
import type { ErrorCode } from '../errors.ts'
import type { SlotImage } from '../native/addon.ts'

/** What passes between the engine and one kind of host. Only names and small values: pixels stay in slots. */
export interface Protocol {
  /** Asked by the engine, answered once by the host. */
  calls: Record<string, { params: unknown; result: unknown }>
  /** Asked by the engine, answered by items until the end. */
  streams: Record<string, { params: unknown; item: unknown }>
  /** Told by the engine, never answered. */
  toHost: Record<string, unknown>
  /** Told by the host, never answered. */
  toEngine: Record<string, unknown>
}

/** One message on the channel. */
export type Message =
  | { readonly t: 'call' | 'stream'; readonly id: number; readonly method: string; readonly params: unknown }
  | { readonly t: 'cancel'; readonly id: number }
  | { readonly t: 'result' | 'item'; readonly id: number; readonly value: unknown }
  | { readonly t: 'end'; readonly id: number }
  | { readonly t: 'error'; readonly id: number; readonly code: ErrorCode; readonly message: string }
  | { readonly t: 'event'; readonly name: string; readonly value: unknown }

export type { SlotLoan } from '../core/image-pool.ts'

/** Between the engine and a capture host. */
export interface CaptureProtocol extends Protocol {
  calls: {
    /** Builds the pipeline and plays it. Rejects with `invalid` when it cannot be built; what goes wrong later is `ended`. */
    open: { params: CaptureParams; result: { readonly opened: true } }
    /** As `open`, for sound: pieces come by the channel and take no slots. */
    openSound: { params: SoundParams; result: { readonly opened: true } }
    ping: { params: Record<string, never>; result: { readonly now: bigint } }
  }
  streams: Record<never, never>
  toHost: {
    lend: SlotLoan
    /** So many more pieces of sound may come. */
    more: { readonly pieces: number }
  }
  toEngine: {
    frame: CapturedFrame
    sound: CapturedSound
    /** Frames lost since the last report: no slot was there, or the picture was broken, or the pipeline says that it lost some. */
    skipped: { readonly count: number }
    /** The source ended (`end`) or broke (`error`); the host stays up until the engine ends it. */
    ended: { readonly reason: 'end' | 'error'; readonly message: string }
  }
}

/** What a capture host is to capture, and into what. */
export interface CaptureParams {
  /** A gst-launch description that ends in `appsink name=sink`, with `gdppay` before it. */
  readonly launch: string
  /** Format of the frames in the slots; JPEG frames from the pipeline are decoded into it. */
  readonly format: PixelFormat
  /** At the end of the stream start it anew. */
  readonly loop: boolean
  /** No slot for a frame: `skip` pulls and counts it, `wait` leaves it in the pipeline until there is one. */
  readonly whenFull: 'skip' | 'wait'
  /** Which frame, coming again, is `unchanged`: the one before, or any `recent` one, as decoders of a picture that stands still give them. */
  readonly again: 'previous' | 'recent'
  /** Frames larger than this are an error, or decoded reduced when they come as JPEG. */
  readonly maxWidth: number
  readonly maxHeight: number
}

/** What sound a capture host is to capture. */
export interface SoundParams {
  /** A gst-launch description of interleaved signed 16-bit sound that ends in `appsink name=sink`, with `gdppay` before it. */
  readonly launch: string
  readonly loop: boolean
  /** Nobody asked for one more piece: `skip` pulls and counts it, `wait` leaves it in the pipeline. */
  readonly whenFull: 'skip' | 'wait'
}

/** A piece of sound. */
export interface CapturedSound {
  /** Interleaved. */
  readonly samples: Int16Array
  readonly sampleRate: number
  readonly channels: number
  /** GStreamer's timestamp of its first sample in nanoseconds; null where the buffer has none. */
  readonly stamp: bigint | null
  /** CLOCK_MONOTONIC nanoseconds at which the host had the piece. */
  readonly arrivedAt: bigint
}

/** A slot that the host has filled. */
export interface CapturedFrame extends SlotLoan {
  readonly width: number
  readonly height: number
  readonly format: ImageFormat
  readonly bytes: number
  /** GStreamer's timestamp in nanoseconds; null where the buffer has none. */
  readonly stamp: bigint | null
  /** CLOCK_MONOTONIC nanoseconds at which the host had the frame. */
  readonly arrivedAt: bigint
  /** Whether it has the same bytes as the frame before, or as a recent one: see `again`. */
  readonly unchanged: boolean
}

/**
 * Sides of an input that a network leaves open, in pixels: `most`: those of the picture, reduced so that neither is longer, in multiples of
 * 32. `height`: this high, and as wide as the part of the picture is for it, in multiples of 8, `narrowest` to `widest`. `width` and
 * `height`: these.
 */
export type OpenSides =
  | { readonly most: number }
  | { readonly height: number; readonly narrowest: number; readonly widest: number }
  | { readonly width: number; readonly height: number }

/** What the addon does around a network: taken from the catalogue (kernel, fit) and the task (thresholds). */
export interface Plan {
  /** `corner` is `letterbox` with all padding on the right or below. */
  readonly fit: 'letterbox' | 'stretch' | 'corner'
  readonly pad: number
  readonly mean: readonly [number, number, number]
  readonly scale: readonly [number, number, number]
  readonly kernel: string
  readonly minScore: number
  readonly iou: number
  readonly maxRows: number
  readonly classes: readonly number[]
  /** Class scores of raw heads are probabilities already, and no logits. */
  readonly activated?: boolean | undefined
  /** How large the input is of a network that leaves its sides open; left out: 640 × 640. */
  readonly sides?: OpenSides | undefined
  /** Each row's mask is wanted, from a kernel that has some. */
  readonly masks?: boolean | undefined
}

/** An input or output of a network. */
export interface TensorSpec {
  readonly name: string
  readonly type: 'float32' | 'uint8' | 'int32' | 'int64'
  readonly shape: readonly number[]
}

/** Rows of a kernel for every crop, or for the whole image as one. */
export interface InferResult {
  readonly rows: Float32Array
  /** Values in a row. */
  readonly width: number
  readonly counts: readonly number[]
  /** One per row, on the source's pixels as COCO's compressed runs, where the plan asks for masks. */
  readonly masks?: readonly string[]
}

/** Between the engine and the vision host. */
export interface VisionProtocol extends Protocol {
  calls: {
    /**
     * Loads an ONNX file into a worker thread of its own, in place of a model of that name, and runs it once. `bytes`: by how much the
     * host's private memory grew. Rejects with `invalid` when the file is corrupt or the network does not run.
     */
    load: {
      params: { readonly model: string; readonly path: string; readonly threads: number }
      result: {
        readonly inputs: readonly TensorSpec[]
        readonly outputs: readonly TensorSpec[]
        readonly bytes: number
      }
    }
    /** Ends a model once the calls under way have ended, and gives its memory back. `bytes`: by how much the host's private memory fell. */
    unload: { params: { readonly model: string }; result: { readonly bytes: number } }
    /**
     * Fits, runs, decodes by `plan`. With `crops` ([count × 6], the affine from the unit square to source pixels) once per crop; rows follow
     * each other, `counts` per crop. Answered when the image is read no more. `unavailable` for a model that is not loaded.
     */
    infer: {
      params: {
        readonly model: string
        readonly plan: Plan
        readonly image: SlotImage
        readonly crops: Float32Array | null
      }
      result: InferResult
    }
    /**
     * Decodes a picture from outside into RGB in `target`, upright by its EXIF orientation, reduced to fit the slot. Its bytes
     * lie in one slot after the other; `target` may be one of these.
     */
    decodePicture: {
      params: {
        readonly parts: readonly { readonly slot: number; readonly bytes: number }[]
        readonly target: SlotLoan
      }
      /** `originalWidth`/`originalHeight`: upright size before reduction. */
      result: ImageSpec & { readonly originalWidth: number; readonly originalHeight: number }
    }
    /** JPEG of a raw image, resized to `width` (null: its own). */
    encodePicture: {
      params: {
        readonly image: SlotImage
        readonly target: SlotLoan
        readonly scratch: SlotLoan | null
        readonly quality: number
        readonly width: number | null
      }
      result: ImageSpec
    }
    /** The image as RGB in `target` with an SVG of its size drawn over it. */
    drawPicture: {
      params: { readonly image: SlotImage; readonly target: SlotLoan; readonly svg: string }
      result: ImageSpec
    }
    ping: { params: Record<string, never>; result: { readonly now: bigint } }
  }
  streams: Record<never, never>
  toHost: Record<never, never>
  toEngine: Record<never, never>
}
