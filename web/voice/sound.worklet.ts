/** What the page tells the speaker. Samples are at the context's rate, −1 to 1. */
export type SpeakerOrder =
  | { readonly type: 'play'; readonly item: string; readonly samples: Float32Array }
  /** Silence at once; what waits is kept. */
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  /** Forget what was not played; answered by `flushed`. */
  | { readonly type: 'flush' }

/** So many samples of an item were played. */
export interface Played {
  readonly item: string
  readonly samples: number
}

/** What the speaker tells. */
export type SpeakerWord =
  | { readonly type: 'played'; readonly played: Played }
  /** Everything that came was played. */
  | { readonly type: 'empty' }
  /** Items of which some was not played, that may be all of it. */
  | { readonly type: 'flushed'; readonly cut: readonly Played[] }

// What the audio thread has and the page has not.
declare const sampleRate: number
declare class AudioWorkletProcessor {
  readonly port: MessagePort
}
declare function registerProcessor(name: string, processor: typeof AudioWorkletProcessor): void

/** A message each 20 ms of sound is soon enough, and the page is not busy with it. */
const framesPerMessage = Math.round(sampleRate / 50)

/** Posts what the microphone hears, in pieces of 20 ms. */
class Microphone extends AudioWorkletProcessor {
  #piece = new Float32Array(framesPerMessage)
  #filled = 0

  process([input]: readonly (readonly Float32Array[])[]): boolean {
    for (const sample of input?.[0] ?? []) {
      this.#piece[this.#filled++] = sample
      if (this.#filled < framesPerMessage) continue
      this.port.postMessage(this.#piece, [this.#piece.buffer])
      this.#piece = new Float32Array(framesPerMessage)
      this.#filled = 0
    }
    return true
  }
}

/** Plays pieces one after another and counts, to the sample, what was played of which item. */
class Speaker extends AudioWorkletProcessor {
  #queue: { readonly item: string; readonly samples: Float32Array; at: number }[] = []
  #paused = false
  #current: { item: string; samples: number } | undefined
  #told = 0

  constructor() {
    super()
    this.port.onmessage = ({ data }: MessageEvent<SpeakerOrder>) => this.#obey(data)
  }

  process(_: unknown, [output]: readonly (readonly Float32Array[])[]): boolean {
    const channel = output?.[0]
    if (channel === undefined || this.#paused) return true
    let filled = 0
    while (filled < channel.length && this.#queue.length > 0) filled = this.#copy(channel, filled)
    if (filled > 0) this.#tell()
    return true
  }

  /** The next samples of the first piece; where the output is filled to then. */
  #copy(output: Float32Array, from: number): number {
    const piece = this.#queue[0]
    if (piece === undefined) return from
    const taken = piece.samples.subarray(piece.at, piece.at + output.length - from)
    output.set(taken, from)
    piece.at += taken.length
    if (this.#current?.item !== piece.item) this.#begin(piece.item)
    if (this.#current !== undefined) this.#current.samples += taken.length
    if (piece.at === piece.samples.length) this.#queue.shift()
    return from + taken.length
  }

  /** The last of the one before is told too. */
  #begin(item: string): void {
    if (this.#current !== undefined) this.#post({ type: 'played', played: { ...this.#current } })
    this.#current = { item, samples: 0 }
    this.#told = -framesPerMessage
  }

  #tell(): void {
    if (this.#current === undefined) return
    const isEmpty = this.#queue.length === 0
    if (!isEmpty && this.#current.samples - this.#told < framesPerMessage) return
    this.#told = this.#current.samples
    this.#post({ type: 'played', played: { ...this.#current } })
    if (isEmpty) this.#post({ type: 'empty' })
  }

  #obey(order: SpeakerOrder): void {
    if (order.type === 'play') this.#queue.push({ item: order.item, samples: order.samples, at: 0 })
    else if (order.type === 'pause') this.#paused = true
    else if (order.type === 'resume') this.#paused = false
    else this.#flush()
  }

  #flush(): void {
    const items = [...new Set(this.#queue.map(({ item }) => item))]
    const samplesOf = (item: string) => (this.#current?.item === item ? this.#current.samples : 0)
    this.#queue = []
    this.#paused = false
    this.#post({ type: 'flushed', cut: items.map((item) => ({ item, samples: samplesOf(item) })) })
  }

  #post(word: SpeakerWord): void {
    this.port.postMessage(word)
  }
}

registerProcessor('microphone', Microphone)
registerProcessor('speaker', Speaker)
