import type { HailoStatus } from '../native/hailo.ts'

/** HailoRT 5.2 can miss the answer to a call and say after 10 s that it has none: what does no harm twice is asked once more. */
export async function askTwice<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    const { hailo } = (error ?? {}) as { hailo?: HailoStatus }
    if (hailo?.reaction !== 'retry') throw error
    return ask()
  }
}
