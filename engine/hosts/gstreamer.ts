import { createRequire } from 'node:module'
import { EngineError, messageOf } from '../errors.ts'

/** What we use of `gstreamer-superficial`, which has no types. */
export interface GstMessage {
  readonly type: string
  readonly message?: string
  readonly debug?: string
  readonly _src_element_name?: string
}
/** The end of a pipeline, from which buffers are pulled. */
export interface GstAppSink {
  /**
   * Waits in a thread of the pool for one buffer; null at the end of the stream, or when the pipeline does not run. Behind
   * `gdppay` the caps carry the GDP packets that describe the buffer.
   */
  pull(callback: (buffer: Buffer | null, caps?: { readonly streamheader?: readonly Buffer[] }) => void): void
}
/** A `queue`. */
export interface GstQueue {
  readonly 'current-level-bytes': number
}
/** A pipeline of `gstreamer-superficial`. */
export interface GstPipeline {
  play(): void
  stop(): void
  findChild<T = GstAppSink>(name: string): T | undefined
  /** Hands on messages for as long as the pipeline's state is not NULL; waits for them in a thread of the pool. */
  pollBus(callback: (message: GstMessage) => void): void
}

/** Builds a pipeline. The library never frees one, so a process makes only one. Throws `invalid` with GStreamer's words, without the description: a password may stand in it. */
export function buildGstPipeline(launch: string): GstPipeline {
  const library = loadLibrary()
  try {
    return new library.Pipeline(launch)
  } catch (error) {
    throw new EngineError('invalid', `Expected a GStreamer pipeline, but ${messageOf(error)}`, {
      cause: error,
    })
  }
}

/** Loads GStreamer, whose first start on a machine scans all its plug-ins. Throws `unavailable`. */
export function loadLibrary(): { readonly Pipeline: new (launch: string) => GstPipeline } {
  try {
    return createRequire(import.meta.url)('gstreamer-superficial')
  } catch (error) {
    throw new EngineError('unavailable', `Expected GStreamer: ${messageOf(error)}. Run: npm run setup`, {
      cause: error,
    })
  }
}

/** `Resource not found. No such file "/x" (filesrc0)`, without passwords in addresses. */
export function errorText({ message = '', debug = '', _src_element_name: element = '' }: GstMessage): string {
  const detail = debug.slice(debug.indexOf('\n') + 1).trim()
  const text = `${message} ${detail} (${element})`
  return text
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/\/\/[^/@\s]*@/g, '//')
}
