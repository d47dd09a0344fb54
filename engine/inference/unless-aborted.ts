import { EngineError } from '../errors.ts'

/** The promise, or `cancelled` as soon as the signal says so: for work that others wait for as well, and that so goes on. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let leave: () => void = () => undefined
  const aborted = new Promise<never>((_, reject) => {
    const abort = () => reject(new EngineError('cancelled', 'The caller gave up'))
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    leave = () => signal.removeEventListener('abort', abort)
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    leave()
  }
}
