/** What a topic of objects, texts or events told last. */
export interface TopicResult {
  /** `<pipeline>/<stream>`. */
  readonly topic: string
  /** The source stream that it is about; undefined for texts and events. */
  readonly source: string | undefined
  /** Milliseconds since its frame was captured. */
  readonly ageMs: number
  readonly objects?: readonly SeenObject[]
  readonly text?: { readonly text: string }
  readonly event?: { readonly name: string; readonly [field: string]: unknown }
}

/** What a voice tells of an object. */
export interface SeenObject {
  readonly id?: number
  readonly label: string
  readonly confidence: number
  readonly bbox: readonly [x: number, y: number, width: number, height: number]
  readonly identity?: string
  readonly text?: string
}

/** The topics, as voice sessions see them. */
export interface VoiceTopics {
  /** Those that there are now, with what they carry: `objects`, `text`, `event`, `image`, … */
  list(): readonly { readonly topic: string; readonly kind: string }[]
  /**
   * What it told last. A topic that nobody watches is opened, waited for up to `waitMs`, and stays open for a while, since what was asked once
   * is asked again. Throws `not-found`, `invalid` for a topic of pictures or sound, `unavailable` when nothing came in time, `cancelled`.
   */
  newest(topic: string, waitMs: number, signal: AbortSignal): Promise<TopicResult>
}
