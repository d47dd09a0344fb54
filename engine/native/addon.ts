import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { ImageSpec, PixelFormat } from '../core/packet.ts'
import { EngineError, messageOf } from '../errors.ts'
import { projectRoot } from '../root.ts'

/** The image pool's memory in this process: `slots` × `slotBytes` bytes, shared by engine and hosts. */
export interface NativePool {
  readonly slots: number
  /** Bytes of one slot: a whole number of pages. */
  readonly slotBytes: number
  /** The memfd to pass to a host at its start; -1 in a host, which has closed it. */
  readonly fd: number
  /** Copies `bytes` into the slot at `offset`. */
  write(slot: number, bytes: Uint8Array, offset: number): void
  /** A copy of `length` bytes of the slot from `offset`. */
  read(slot: number, offset: number, length: number): Buffer
  /** Unmaps; may be called twice. Work under way keeps the mapping until it has settled. */
  close(): void
}

/** An image in a slot, as the addon and the hosts name it. */
export interface SlotImage extends ImageSpec {
  readonly slot: number
}

/** A plane of an image: offset and stride in bytes, width and height in samples. */
export interface Plane {
  readonly offset: number
  readonly stride: number
  readonly width: number
  readonly height: number
}

/** x' = a·x + b·y + c, y' = d·x + e·y + f, on pixel coordinates where the top left pixel spans 0 to 1. */
export type Affine = readonly [a: number, b: number, c: number, d: number, e: number, f: number]

/** How an image becomes a tensor. */
export interface FitOptions {
  /** Size of the tensor in pixels. */
  readonly width: number
  readonly height: number
  /** `letterbox` keeps the aspect ratio and centres; `stretch` fills; a box (x, y, width, height in source pixels) or an affine (tensor → source) crops. */
  readonly mode:
    | 'letterbox'
    | 'stretch'
    | { readonly box: readonly [number, number, number, number] }
    | { readonly affine: Affine }
  /** Shape [height, width, 3] or [3, height, width]. */
  readonly layout: 'nhwc' | 'nchw'
  /** Value 0 to 255 of what lies outside of the source, before mean and scale. */
  readonly pad: number
  /** Per channel R, G, B: output = (value − mean) × scale, value 0 to 255. Ignored for a uint8 target. */
  readonly mean: readonly [number, number, number]
  readonly scale: readonly [number, number, number]
}

/** A tensor as the decode kernels read it. */
export interface Tensor {
  readonly data: Float32Array
  readonly shape: readonly number[]
}

/** How tensors become rows. */
export interface DecodeOptions {
  /** Name of a kernel: see `decodeKernels()`. */
  readonly kernel: string
  /** Rows with a lower score are left out, 0 to 1. */
  readonly minScore: number
  /** Class-wise non-maximum suppression drops the weaker of two boxes that overlap by more than this IoU, 0 to 1. */
  readonly iou: number
  /** The most rows given back, best first. */
  readonly maxRows: number
  /** Class indexes to keep; empty keeps all. */
  readonly classes: readonly number[]
  /** Class scores of raw heads (all values but coefficients of YOLOv5's) are sigmoids already, and no logits. */
  readonly activated?: boolean
  /** Size of the network's input in pixels. */
  readonly inputWidth: number
  readonly inputHeight: number
  /** Network input → source pixels, as `fit` returned it. */
  readonly toSource: Affine
  /** Boxes and points are clipped to this size. */
  readonly sourceWidth: number
  readonly sourceHeight: number
}

/**
 * Masks in a slot. They lie over the network's input on a grid of `width` × `height` cells (160 × 160 over 640 × 640), and may
 * overlap: values 6 to 9 of a row are x, y, width and height of its crop of the grid, in cells, and the crops lie one after
 * another, in the order of the rows, each row by row with a byte per cell: the share 0 to 255 with which the cell belongs to the
 * row's object, to which it belongs from 128 on. `toSource` leads from the input's pixels to the source's. In masks
 * that a device worked out itself cells on padding may be set.
 */
export interface MaskMap {
  readonly width: number
  readonly height: number
  /** Of all crops together. */
  readonly bytes: number
}

/** Rows and their masks. */
export interface DecodedMasks {
  readonly rows: Float32Array
  readonly map: MaskMap
}

/** Rows, and for each one its mask on the source's pixels as COCO's compressed runs (`size` is the source's height and width). */
export interface DecodedSegments {
  readonly rows: Float32Array
  readonly masks: readonly string[]
}

/** Size in pixels. */
export interface JpegHeader {
  readonly width: number
  readonly height: number
}

/** Everything the .node file exports. Synchronous calls are for worker threads, or take well under a millisecond. */
export interface Addon {
  /** Makes the pool's memfd (sealed, close-on-exec) and maps it. The engine calls it once. */
  createPool(slots: number, slotBytes: number): NativePool
  /** In a host: maps the inherited descriptor and closes it at once. */
  openPool(fd: number, slots: number, slotBytes: number): NativePool
  /** In a worker thread of a host: the pool that `openPool` mapped in this process. */
  attachPool(): NativePool
  /** Where the planes of a raw image lie, and how many bytes it takes. */
  imageLayout(
    format: PixelFormat,
    width: number,
    height: number,
  ): { readonly bytes: number; readonly planes: readonly Plane[] }
  /**
   * Fills `target` (3 × width × height elements) with the source image's pixels, antialiased when it shrinks. Returns
   * the affine from tensor to source pixels. Synchronous: call it in a worker.
   */
  fit(pool: NativePool, image: SlotImage, target: Float32Array | Uint8Array, options: FitOptions): Affine
  /** Names of the decode kernels. */
  decodeKernels(): readonly string[]
  /**
   * Values in a row of the kernel: 6 (x1 y1 x2 y2 score class), 10 (the same, then x y width height of the mask's crop), 16 (the
   * same six, then 5 × (x y): eyes, nose, corners of the mouth), 57 (the same six, then 17 × (x y score)), 51 (17 × (x y score)),
   * 7 (cx cy w h angle score class: the angle in radians, −π/2 to π/2, from the x axis towards the y axis to the side w).
   */
  decodeWidth(kernel: string): number
  /** `[count × decodeWidth] float32`, best first, in source pixels. Synchronous: call it in a worker. */
  decode(tensors: readonly Tensor[], options: DecodeOptions): Float32Array
  /**
   * As `decode`, for a kernel whose rows have masks, which go into the slot. Throws `too-large` when they do not fit in. `decode`
   * gives the same rows and works no mask out.
   */
  decodeMasks(pool: NativePool, tensors: readonly Tensor[], slot: number, options: DecodeOptions): DecodedMasks
  /** The same with masks as runs, which need no slot: see `DecodedSegments`. Throws `invalid` where `toSource` turns or mirrors. */
  decodeSegments(tensors: readonly Tensor[], options: DecodeOptions): DecodedSegments
  /** Reads the size from a JPEG's header. Throws `invalid`. */
  jpegHeader(bytes: Uint8Array): JpegHeader
  /**
   * Decodes a JPEG into a slot, reduced by the smallest DCT scale (8/8, 7/8 … 1/8) that fits maxWidth × maxHeight.
   * Gives the size it was decoded at and the size of the original. Rejects with `invalid` or `too-large`; a truncated picture is `invalid`.
   */
  decodeJpeg(
    pool: NativePool,
    bytes: Uint8Array,
    target: number,
    options: { readonly format: PixelFormat; readonly maxWidth: number; readonly maxHeight: number },
  ): Promise<ImageSpec & { readonly originalWidth: number; readonly originalHeight: number }>
  /** Encodes a raw image into another slot (4:2:0). Gives the number of bytes. Rejects with `too-large` when the slot is too small. */
  encodeJpeg(pool: NativePool, image: SlotImage, target: number, options: { readonly quality: number }): Promise<number>
  /** Converts a raw image to RGB in another slot, resized by `fit`'s filter when the size differs. */
  convert(pool: NativePool, image: SlotImage, target: number, width: number, height: number): Promise<ImageSpec>
  /** This process gets SIGKILL when its parent dies. Throws `closed` when the parent is no longer `parentPid`. */
  dieWithParent(parentPid: number): void
  /**
   * Frees the memory behind the bytes now; these and all that share it are empty then. Frames and outputs of networks are megabytes
   * each: left to the garbage collector, they make it stop the thread for milliseconds every dozen frames.
   */
  discard(bytes: Uint8Array | Float32Array): void
  /**
   * Takes the lock of an open file (flock); false when another open file has it, in this process or elsewhere. The kernel lets go of
   * it when the descriptor is closed or its process ends, however it ends. Throws `unavailable` where the file system has no locks.
   */
  lockFile(fd: number): boolean
  /**
   * From now on the allocator maps each block of so many bytes or more (1 to 33,554,432) on its own, in the whole process, and keeps
   * less than that at the end of each heap: what is freed goes back to the system, and costs a page fault per page each time.
   */
  mapBlocksFrom(bytes: number): void
  /**
   * What the kernel may keep of what comes in, in bytes, for each connection that the socket of this process listening on the TCP port
   * will accept; it takes about twice as much memory. False when there is no such socket.
   */
  limitReceiveBuffers(port: number, bytes: number): boolean
  /** Gives memory that this process has freed back to the system; false when there was none. Takes milliseconds. */
  trimMemory(): boolean
  /** Tells systemd (sd_notify protocol); false when NOTIFY_SOCKET is not set. */
  notify(state: string): boolean
}

/** Builds of the addon: `plain` without HailoRT, `hailo` with it, `standin` with the stand-in for it. */
export type AddonVariant = 'plain' | 'hailo' | 'standin'

/** The variable by which the engine names the variant for a host that it starts; the engine itself has the plain one. */
export const variantVariable = 'HAILSTREAM_HOST_ADDON'

/** Where the variant lies once it is built; `HAILSTREAM_ADDON_FOLDER` names the folder of another build, for the sanitizers. */
export function addonFile(variant: AddonVariant): string {
  const name = variant === 'plain' ? 'hailstream' : `hailstream-${variant}`
  return join(process.env.HAILSTREAM_ADDON_FOLDER ?? join(projectRoot, 'addon/build/Release'), `${name}.node`)
}

let loaded: Addon | undefined

/** The addon, loaded at the first call. Throws `unavailable` with the way to build it. */
export function addon(): Addon {
  loaded ??= loadAddon(readVariant())
  return loaded
}

function readVariant(): AddonVariant {
  const named = process.env[variantVariable] ?? 'plain'
  if (named === 'plain' || named === 'hailo' || named === 'standin') return named
  throw new EngineError('invalid', `Expected ${variantVariable} to be plain, hailo or standin, received ${named}`)
}

function loadAddon(variant: AddonVariant): Addon {
  if (variant !== 'plain') keepLibraryQuiet()
  const file = addonFile(variant)
  try {
    return createRequire(import.meta.url)(file) as Addon
  } catch (error) {
    throw new EngineError('unavailable', `Expected the addon at ${file}: ${messageOf(error)}. Run: npm run setup`, {
      cause: error,
    })
  }
}

/** HailoRT writes log files where it is started and errors to the terminal, unless this is set before it is loaded. */
function keepLibraryQuiet(): void {
  process.env.HAILORT_LOGGER_PATH ??= 'NONE'
  process.env.HAILORT_CONSOLE_LOGGER_LEVEL ??= 'critical'
}
