import { EngineError } from '../../engine/errors.ts'
import type { SeenObject, TopicResult, VoiceTopics } from '../../engine/voice/voice-topics.ts'

/** Topics that tell what a test says; one without a result is not to be seen. */
export class FakeTopics implements VoiceTopics {
  readonly asked: { readonly topic: string; readonly waitMs: number }[] = []
  readonly #results: Readonly<Record<string, Partial<TopicResult>>>
  readonly #more: Readonly<Record<string, string>>

  /** `more`: other topics, with their kinds. */
  constructor(results: Readonly<Record<string, Partial<TopicResult>>>, more: Readonly<Record<string, string>> = {}) {
    this.#results = results
    this.#more = more
  }

  list(): { topic: string; kind: string }[] {
    const told = Object.entries(this.#results).map(([topic, { objects, text }]) => {
      return { topic, kind: objects ? 'objects' : text ? 'text' : 'event' }
    })
    return [...told, ...Object.entries(this.#more).map(([topic, kind]) => ({ topic, kind }))]
  }

  async newest(topic: string, waitMs: number, signal: AbortSignal): Promise<TopicResult> {
    this.asked.push({ topic, waitMs })
    if (signal.aborted) throw new EngineError('cancelled', 'The caller gave up')
    const result = this.#results[topic]
    if (!result) throw new EngineError('unavailable', `${topic} told nothing`)
    return { topic, source: 'camera', ageMs: 0, ...result }
  }
}

export function seen(...labels: string[]): SeenObject[] {
  return labels.map((label) => ({ label, confidence: 0.9, bbox: [1, 2, 3, 4] }))
}
