import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { TurnMeasures } from './voice/turn-measures.ts'

/** From a fast machine's answer to one that nobody waits for. */
const stageBuckets = [0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30]
const rateBuckets = [1, 2, 4, 6, 8, 12, 16, 24, 32, 64, 128]

/** Measures of a turn, by the label that they have. */
const stages = {
  'end-of-utterance': 'endOfUtteranceDelayMs',
  transcription: 'transcriptionDelayMs',
  'first-token': 'ttftMs',
  'first-sound': 'ttfbMs',
  total: 'e2eMs',
} as const satisfies Readonly<Record<string, keyof TurnMeasures>>

/** Metrics of voice sessions, in the registry of all others. */
export class VoiceMetrics {
  readonly #stages: Histogram
  readonly #tokens: Histogram
  readonly #replies: Counter
  #count = () => 0

  constructor(registry: Registry) {
    const registers = [registry]
    const name = (rest: string) => `hailstream_voice_${rest}`
    this.#stages = new Histogram({
      ...{
        name: name('turn_seconds'),
        help: 'What a turn waits for; total is from the end of speech to the first sound.',
      },
      ...{ labelNames: ['stage'], buckets: stageBuckets, registers },
    })
    this.#tokens = new Histogram({
      ...{ name: name('tokens_per_second'), help: 'Of replies, while they are written.' },
      ...{ buckets: rateBuckets, registers },
    })
    const replies = {
      name: name('replies_total'),
      help: 'Replies that have ended.',
      labelNames: ['cancelled'],
      registers,
    }
    this.#replies = new Counter(replies)
    const count = () => this.#count()
    new Gauge({
      ...{ name: name('sessions'), help: 'Voice sessions that are open.', registers },
      collect() {
        this.set(count())
      },
    })
  }

  /** A reply has ended. */
  measured(measures: TurnMeasures): void {
    for (const [stage, key] of Object.entries(stages)) {
      const ms = measures[key]
      if (ms !== null) this.#stages.observe({ stage }, ms / 1000)
    }
    if (measures.tokensPerSecond !== null) this.#tokens.observe(measures.tokensPerSecond)
    this.#replies.inc({ cancelled: String(measures.cancelled) })
  }

  /** Asked whenever the metrics are read. */
  countSessions(count: () => number): void {
    this.#count = count
  }
}
