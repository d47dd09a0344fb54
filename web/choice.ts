/** An entry of `GET /api/topics`, with what `GET /api/pipelines` says of its stream. */
export interface Topic {
  readonly topic: string
  readonly kind: string
  readonly pipeline: string
  readonly stream: string
  /** The source stream that its packets began in. */
  readonly source?: string
}

/** What the user wants to see; kept in the address behind `#`. */
export interface Choice {
  /** Image topic, `pipeline/stream`. */
  readonly picture: string | undefined
  /** Overlays that were switched off. */
  readonly off: readonly string[]
}

/** The choice in the address part with `#`. */
export function readChoice(hash: string): Choice {
  const fields = new URLSearchParams(hash.replace(/^#/, ''))
  return { picture: fields.get('picture') ?? undefined, off: fields.getAll('off') }
}

/** The address part with `#`; slashes stay readable. */
export function writeChoice({ picture, off }: Choice): string {
  const fields = [...(picture === undefined ? [] : [['picture', picture]]), ...off.map((topic) => ['off', topic])]
  return `#${new URLSearchParams(fields).toString().replaceAll('%2F', '/')}`
}

/** The wanted picture when it is there, else the first image topic. */
export function choosePicture(topics: readonly Topic[], wanted: string | undefined): Topic | undefined {
  const images = topics.filter((topic) => topic.kind === 'image')
  return images.find((topic) => topic.topic === wanted) ?? images[0]
}

/**
 * Object topics that may belong on the picture: of its pipeline, and not known to be seen on another stream.
 * `sources`: topic → stream its frames come from, as far as messages have told.
 */
export function overlaysFor(
  picture: Topic,
  topics: readonly Topic[],
  sources: ReadonlyMap<string, string>,
): readonly Topic[] {
  const source = sources.get(picture.topic) ?? picture.source ?? picture.stream
  return topics.filter(
    (topic) =>
      topic.kind === 'objects' &&
      topic.pipeline === picture.pipeline &&
      (sources.get(topic.topic) ?? topic.source ?? source) === source,
  )
}

/** The topic that tells how the source of the picture is; undefined when the server has none. */
export function stateTopicOf(
  picture: Topic,
  topics: readonly Topic[],
  sources: ReadonlyMap<string, string>,
): string | undefined {
  const source = sources.get(picture.topic) ?? picture.source ?? picture.stream
  const topic = `${picture.pipeline}/${source}/state`
  return topics.some((one) => one.topic === topic) ? topic : undefined
}

/** What is wrong with the source, for the user; undefined while nothing is. `event` is a message of its state topic. */
export function troubleOf(event: unknown): string | undefined {
  if (typeof event !== 'object' || event === null) return undefined
  const { state, frozen } = event as { readonly state?: unknown; readonly frozen?: unknown }
  if (frozen === true) return 'The picture stands still'
  if (state === 'stalled') return 'The camera has stopped sending'
  if (state === 'restarting') return 'Opening the camera again…'
  return state === 'failed' ? 'The camera cannot be opened' : undefined
}
