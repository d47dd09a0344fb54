/** Makes sound of what comes from a client. Whoever opened it disposes it. Twenty milliseconds of sound take about 0.3 ms of a free core to encode as Opus (measured on x86), the rest less: hand on a long sound in parts. */
export interface SoundDecoder extends Disposable {
  /** Samples a second of what `push` gives. */
  readonly sampleRate: number
  /** The next bytes, in pieces of any size; of Opus one whole packet. What is not yet a sample waits for the rest. */
  push(bytes: Uint8Array): Int16Array
}

/** Makes bytes for a client of sound. Whoever opened it disposes it. */
export interface SoundEncoder extends Disposable {
  /** Samples a second of what `push` takes. */
  readonly sampleRate: number
  /** Pieces for as many messages; of Opus each is one packet. Empty while what came is not enough for one. */
  push(samples: Int16Array): Uint8Array[]
  /** What is left: no sound comes after. A next sound begins anew. */
  end(): Uint8Array[]
}
