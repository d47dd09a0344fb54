import { EngineError } from '../errors.ts'
import type { DecodedPicture, TaskResult, Vision } from './vision.ts'

/** From a request's last byte to its answer. */
const deadlineMs = 30_000

/** A question of a request about one picture. */
export interface PictureQuestion {
  readonly task: string
  readonly options: Readonly<Record<string, unknown>>
  /** As lists of who uses a model name it. */
  readonly user: string
  /** A picture file. */
  readonly bytes: Uint8Array
  /** Aborts when the client hangs up. */
  readonly hungUp: AbortSignal
}

/** Asks, and gives what `read` makes of the answer; the picture is lent to it. Throws as the task does, or `timeout`. */
export async function askAbout<T>(
  vision: Vision,
  { task, options, user, bytes, hungUp }: PictureQuestion,
  read: (result: TaskResult, picture: DecodedPicture) => T,
): Promise<T> {
  const session = vision.openTask(task, options, 'interactive', { user })
  const late = AbortSignal.timeout(deadlineMs)
  const signal = AbortSignal.any([hungUp, late])
  let picture: DecodedPicture | undefined
  try {
    picture = await vision.decodePicture(bytes, signal)
    return read(await session.ask(picture.image, signal), picture)
  } catch (error) {
    if (!late.aborted) throw error
    throw new EngineError('timeout', `Expected an answer within ${deadlineMs / 1000} s. Try again later`, {
      cause: error,
    })
  } finally {
    picture?.image.release()
    await session[Symbol.asyncDispose]()
  }
}
