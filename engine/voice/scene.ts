import { EngineError, messageOf } from '../errors.ts'
import { ageInWords, countInWords } from './counted.ts'
import type { TopicResult, VoiceTopics } from './voice-topics.ts'

/** Characters of a scene; a model that reads more answers later, and no better. */
const longestScene = 1000
/** Topics that are looked at: each may have to be opened. */
const mostTopics = 8

/** How a scene is looked at. */
export interface SceneOptions {
  /** A topic, a stream or a pipeline; left out: all that is published. */
  readonly of?: string | undefined
  /** Milliseconds that a topic which nobody watches may take. */
  readonly waitMs: number
}

/**
 * What the cameras see, in words: a line for each topic of objects, but none for one that tells only what another of the same camera tells
 * too. Throws `invalid` when `of` names none.
 */
export async function describeScene(topics: VoiceTopics, options: SceneOptions, signal: AbortSignal): Promise<string> {
  const wanted = chooseTopics(topics, options.of)
  if (wanted.length === 0) return 'No camera is watched: no pipeline publishes objects.'
  const found = await Promise.all(wanted.map((topic) => look(topics, topic, options.waitMs, signal)))
  const results = found.filter((result) => typeof result !== 'string')
  const told = found.filter((result) => typeof result === 'string' || !isTold(result, results))
  const lines = told.map((result) => (typeof result === 'string' ? result : describe(result)))
  return lines.join('\n').slice(0, longestScene)
}

function chooseTopics(topics: VoiceTopics, of: string | undefined): string[] {
  const all = topics
    .list()
    .filter(({ kind }) => kind === 'objects')
    .map(({ topic }) => topic)
  const meant = of === undefined ? all : all.filter((topic) => isOf(topic, of))
  if (of !== undefined && meant.length === 0)
    throw new EngineError('invalid', `Expected one of ${all.join(', ') || 'no topics of objects'}, received ${of}`)
  return meant.slice(0, mostTopics)
}

function isOf(topic: string, of: string): boolean {
  const [pipeline, ...stream] = topic.split('/')
  return topic === of || pipeline === of || stream.join('/') === of
}

/** One that cannot be seen is told as such: the others are. */
async function look(
  topics: VoiceTopics,
  topic: string,
  waitMs: number,
  signal: AbortSignal,
): Promise<TopicResult | string> {
  try {
    return await topics.newest(topic, waitMs, signal)
  } catch (error) {
    if (!(error instanceof EngineError) || error.code === 'cancelled') throw error
    return `${topic}: not to be seen now (${messageOf(error)})`
  }
}

/** Whether an earlier topic of the same camera, or one that tells more, tells all of it. */
function isTold(result: TopicResult, all: readonly TopicResult[]): boolean {
  return all.some((other, i) => {
    if (other === result || cameraOf(other) !== cameraOf(result)) return false
    if (!holds(other, result)) return false
    return i < all.indexOf(result) || !holds(result, other)
  })
}

function cameraOf({ topic, source }: TopicResult): string {
  return `${topic.split('/')[0]}/${source}`
}

/** Whether one tells at least as many of each label. */
function holds(one: TopicResult, other: TopicResult): boolean {
  const rest = labelsOf(one)
  return labelsOf(other).every((label) => {
    const at = rest.indexOf(label)
    if (at >= 0) rest.splice(at, 1)
    return at >= 0
  })
}

function describe(result: TopicResult): string {
  const { topic, source = '', ageMs } = result
  const place = source === '' ? topic : `${topic} (${source})`
  return `${place}, ${ageInWords(ageMs)}: ${countInWords(labelsOf(result))}`
}

/** Who is known is told by name. */
function labelsOf({ objects = [] }: TopicResult): string[] {
  return objects.map(({ label, identity }) => (identity === undefined ? label : `${label} ${identity}`))
}
