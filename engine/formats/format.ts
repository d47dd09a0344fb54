import type { z } from 'zod'
import type { ResultObject } from '../streams/wire.ts'

/** The picture that was asked about, upright, in pixels, and the number that its sender gives it. */
export interface PictureFacts {
  readonly width: number
  readonly height: number
  readonly imageId: number
}

/** A way to write down what was found in one picture. */
export interface Format {
  /** As a request names it. */
  readonly name: string
  readonly summary: string
  /** What the answer is. */
  readonly type: string
  /** Of JSON. */
  readonly schema?: z.ZodType
  /** Whether it numbers pictures: others refuse an `image_id`. */
  readonly numbered?: true
  /** Options of the task without which there is too little to write. */
  readonly needs?: Readonly<Record<string, unknown>>
  /** A value to be sent as JSON, text, or bytes, as `type` says. */
  write(objects: readonly ResultObject[], picture: PictureFacts): unknown
}
