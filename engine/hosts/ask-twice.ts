import type { HailoStatus } from '../native/hailo.ts'

/**
 * HailoRT 5.2 can miss the answer of a device and say after 10 s that it has none: what does no harm twice is asked once more. Calls of language
 * and speech models have no such deadline in it: there the engine's own ends the process.
 */
export async function askTwice<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    const { hailo } = (error ?? {}) as { hailo?: HailoStatus }
    if (hailo?.reaction !== 'retry') throw error
    return ask()
  }
}
