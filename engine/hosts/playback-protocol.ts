import type { Protocol } from './protocol.ts'

/** Where the playing of a speaker stands, in milliseconds of sound since it was opened: taken = heard + dropped + waiting. */
export interface PlaybackPosition {
  /** To within what the device itself holds, some 60 ms. */
  readonly heardMs: number
  readonly droppedMs: number
}

/** Between the engine and a playback host. */
export interface PlaybackProtocol extends Protocol {
  calls: {
    /** Opens the device. Rejects with `unavailable` when it cannot be, `not-found` beyond the last way to open it. */
    open: { params: PlaybackParams; result: { readonly opened: true } }
    /** Drops what was not played yet, and ends a hold; answered when nothing is heard any more. */
    flush: { params: Record<string, never>; result: PlaybackPosition }
    ping: { params: Record<string, never>; result: { readonly now: bigint } }
  }
  streams: Record<never, never>
  toHost: {
    /** Sound in the format that was opened. The engine sends no more than ten seconds ahead. */
    sound: { readonly samples: Int16Array }
    /** Keep what waits, play nothing. */
    hold: Record<string, never>
    resume: Record<string, never>
  }
  toEngine: {
    position: PlaybackPosition
    /** The device broke; the host stays up until the engine ends it. */
    ended: { readonly message: string }
  }
}

/** What a playback host plays into. */
export interface PlaybackParams {
  /** As `deviceOption` has it. */
  readonly device: string
  readonly rate: number
  readonly channels: number
  /** Which of the ways to open it, from 0. */
  readonly attempt: number
}
