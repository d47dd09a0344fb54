/** Sends an event to the client; resolves when more may be sent. Throws `cancelled` when it has hung up, `timeout` when it takes nothing. */
export type SendEvent = (type: string, data?: Readonly<Record<string, unknown>>, payload?: Uint8Array) => Promise<void>

/** What sound is sent for. Whoever opened it disposes it. */
export interface SoundTaker extends AsyncDisposable {
  /** More sound, 16 kHz mono; the array is the taker's. Resolves when more may come. */
  push(samples: Float32Array): Promise<void>
  /** That was all: answers what is still to be answered. */
  finish(): Promise<void>
}

/** The context of a request, which its answer repeats. */
export function withContext(context: Readonly<Record<string, unknown>> | null | undefined): Record<string, unknown> {
  return context ? { context } : {}
}
