import { EngineError } from '../errors.ts'
import { Endpointer, type EndpointerOptions, endpointDefaults, stepMs } from './endpointer.ts'
import { LatestValue } from './latest-value.ts'
import { SampleQueue } from './sample-queue.ts'
import { type RecogniserStream, type SpokenSegment, speechRate, type VoiceDetection, voiceStep } from './speech.ts'
import { type PartialText, StablePrefix } from './stable-prefix.ts'
import { WorkEstimate } from './work-estimate.ts'

/** Sound that has come and is not recognised yet. */
const mostBehindSeconds = 30
/** Sound before the detector hears a beginning: it is sure a little late. */
const leadSteps = 10
/** A speaker without a pause is recognised in pieces all the same, so that what is held stays bounded. */
const longestUtteranceSeconds = 25
const stepsAtOnce = 32

/**
 * When somebody has been silent for so long, 192 ms, the utterance may be over: it is recognised already while the silence goes on, and
 * where nothing more is said that is the answer.
 */
const pauseSteps = 6
/** Silence after the last word that a hypothesis must have seen to hold for the whole utterance. */
const tailSteps = 3
/** Work that is worth its cost also where it may be in vain, in milliseconds. */
const quickMs = 1000
/**
 * After a hypothesis the recogniser rests for so many times as long as it took: what is being made when somebody falls silent is in the way of the
 * answer, since an accelerator does not stop for an abort.
 */
const restFactor = 2
/** A recogniser that needs more of the time than this share would have no time left for the utterance itself beside hypotheses about it. */
const mostShare = 0.5

/** Of a turn: a pause ends no utterance before it has so much sound, because words without those around them are heard worse. */
const shortestInTurnMs = 5000
/** But a silence as long as this one, which ends a window of a recording, does. */
const silenceInTurnMs = 2000

/** A hypothesis about the first steps of an utterance. */
interface Guess {
  readonly steps: number
  readonly abort: AbortController
  /** undefined: it was given up, or the recogniser failed. */
  readonly found: Promise<readonly SpokenSegment[] | undefined>
}

/** What an utterance stream is made of. */
export interface UtteranceStreamOptions {
  /** The stream's from then on. */
  readonly detection: VoiceDetection
  /** What is said in an utterance; times from its first sample. The samples are borrowed. */
  transcribe(samples: Float32Array, signal: AbortSignal): AsyncIterable<SpokenSegment>
  readonly endpoints?: Partial<EndpointerOptions>
  /** See `RecogniserOptions.isTurn`. */
  readonly isTurn?: boolean | undefined
  /** From one hypothesis about a growing utterance to the next, at least; and never sooner than twice what the last one took. Milliseconds. */
  readonly partialMs?: number
  /** Milliseconds; for tests. */
  readonly now?: () => number
}

/**
 * Live recognition by a recogniser of whole utterances: the detector finds beginnings and ends; while one speaks, the utterance so far is
 * recognised again and again for partial texts, by the stable-prefix rule.
 */
export class UtteranceStream implements RecogniserStream {
  readonly partials: LatestValue<PartialText>
  readonly #options: UtteranceStreamOptions
  readonly #now: () => number
  readonly #queue = new SampleQueue(voiceStep, mostBehindSeconds * speechRate)
  readonly #endpointer: Endpointer
  readonly #closing = new AbortController()
  readonly #segments: SpokenSegment[] = []
  readonly #running: Promise<void>
  /** Steps of the utterance, or before it those that lead to it. */
  #steps: Float32Array[] = []
  /** The number of the first of them. */
  #firstStep = 0
  #prefix = new StablePrefix()
  /** What was said in the utterances before. */
  #past = ''
  /** How many of the steps there are up to the last that was speech. */
  #spokenSteps = 0
  /** The newest hypothesis, made or being made. */
  #guess: Guess | undefined
  #isGuessing = false
  #nextGuessAt = 0
  readonly #work = new WorkEstimate()

  constructor(options: UtteranceStreamOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
    const inTurn = options.isTurn ? { silenceMs: silenceInTurnMs } : {}
    this.#endpointer = new Endpointer({ ...inTurn, ...options.endpoints })
    this.partials = new LatestValue()
    this.#running = this.#run()
    // Whoever reads the partials or asks for the end hears of a failure.
    this.#running.catch((error: unknown) => this.partials.fail(error))
  }

  push(samples: Float32Array): void {
    if (this.#closing.signal.aborted) throw new EngineError('closed', 'The recogniser stream is closed')
    this.#queue.push(samples)
  }

  async finish(): Promise<readonly SpokenSegment[]> {
    this.#queue.end()
    await this.#running
    return this.#segments
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.partials.end()
    this.#closing.abort()
    this.#queue.end()
    await this.#running.catch(() => undefined)
  }

  async #run(): Promise<void> {
    const { detection } = this.#options
    try {
      for (;;) {
        const steps = await this.#queue.take(stepsAtOnce)
        if (steps.length === 0 || this.#closing.signal.aborted) break
        const probabilities = await Promise.all(steps.map((step) => detection.next(step)))
        for (const [i, step] of steps.entries()) await this.#hear(step, probabilities[i] ?? 0)
      }
      if (this.#endpointer.speaking && !this.#closing.signal.aborted) await this.#recognise()
      this.partials.end()
    } finally {
      this.#queue.end()
      await this.#stopGuess()
      await detection[Symbol.asyncDispose]()
    }
  }

  async #hear(step: Float32Array, probability: number): Promise<void> {
    this.#steps.push(step)
    const event = this.#endpointer.step(probability)
    if (probability >= (this.#options.endpoints?.offBelow ?? endpointDefaults.offBelow))
      this.#spokenSteps = this.#steps.length
    if (event === 'end' || (this.#endpointer.speaking && this.#isLongEnough())) await this.#recognise()
    else if (this.#endpointer.speaking) this.#guessAgain()
    else if (this.#steps.length > leadSteps) this.#forget(this.#steps.length - leadSteps)
  }

  /** While somebody speaks, what is said so far is recognised for good all the same. */
  #isLongEnough(): boolean {
    const ms = this.#steps.length * stepMs
    const pauseMs = (this.#steps.length - this.#spokenSteps) * stepMs
    const isPart = this.#options.isTurn && this.#spokenSteps > 0 && pauseMs >= endpointDefaults.silenceMs
    return ms > longestUtteranceSeconds * 1000 || (isPart === true && ms >= shortestInTurnMs)
  }

  #forget(count: number): void {
    this.#steps.splice(0, count)
    this.#firstStep += count
    this.#spokenSteps = Math.max(0, this.#spokenSteps - count)
  }

  /** The whole utterance, for good. */
  async #recognise(): Promise<void> {
    const start = (this.#firstStep * voiceStep) / speechRate
    const found = (await this.#foreseen()) ?? (await this.#transcribe(this.#closing.signal))
    this.#forget(this.#steps.length)
    this.#segments.push(...found.map((segment) => shift(segment, start)))
    this.#tell(this.#prefix.finish(textOf(found)))
    this.#past = this.partials.last?.stable ?? ''
    this.#prefix = new StablePrefix()
  }

  /** What the newest hypothesis says, where it has heard the whole utterance; any other one is given up. */
  async #foreseen(): Promise<readonly SpokenSegment[] | undefined> {
    const guess = this.#guess
    this.#guess = undefined
    if (guess && this.#hasHeardAll(guess)) return guess.found
    guess?.abort.abort()
    await guess?.found
    return undefined
  }

  #hasHeardAll(guess: Guess | undefined): boolean {
    return guess !== undefined && guess.steps >= this.#spokenSteps + tailSteps
  }

  #guessAgain(): void {
    const soundMs = this.#steps.length * stepMs
    const expectedMs = this.#work.expectMs(soundMs)
    const isQuick = expectedMs < quickMs
    const isNew = !this.#hasHeardAll(this.#guess)
    const hasPaused = isQuick && isNew && this.#steps.length - this.#spokenSteps === pauseSteps
    const isWorth = isQuick || expectedMs <= mostShare * soundMs
    if (!hasPaused && (!isWorth || this.#isGuessing || this.#now() < this.#nextGuessAt)) return
    this.#guess?.abort.abort()
    const abort = new AbortController()
    this.#isGuessing = true
    this.#guess = { steps: this.#steps.length, abort, found: this.#makeGuess(abort) }
  }

  async #makeGuess(abort: AbortController): Promise<readonly SpokenSegment[] | undefined> {
    const startedAt = this.#now()
    try {
      const found = await this.#transcribe(AbortSignal.any([abort.signal, this.#closing.signal]))
      if (abort.signal.aborted) return undefined
      this.#tell(this.#prefix.update(textOf(found)))
      return found
    } catch {
      // A hypothesis is worth nothing later; the utterance itself tells what is wrong.
      return undefined
    } finally {
      if (this.#guess?.abort === abort || !this.#guess) this.#isGuessing = false
      const now = this.#now()
      this.#nextGuessAt = Math.max(startedAt + (this.#options.partialMs ?? 500), now + restFactor * (now - startedAt))
    }
  }

  async #transcribe(signal: AbortSignal): Promise<readonly SpokenSegment[]> {
    const [startedAt, soundMs] = [this.#now(), this.#steps.length * stepMs]
    const found: SpokenSegment[] = []
    for await (const segment of this.#options.transcribe(concat(this.#steps), signal)) found.push(segment)
    this.#work.learn(soundMs, this.#now() - startedAt)
    return found
  }

  async #stopGuess(): Promise<void> {
    this.#guess?.abort.abort()
    await this.#guess?.found
  }

  #tell({ stable, tentative }: PartialText): void {
    const all = { stable: join(this.#past, stable), tentative }
    const { last } = this.partials
    if (all.stable !== (last?.stable ?? '') || all.tentative !== (last?.tentative ?? '')) this.partials.set(all)
  }
}

function textOf(segments: readonly SpokenSegment[]): string {
  return segments.map(({ text }) => text).join(' ')
}

function join(before: string, text: string): string {
  return before === '' || text === '' ? before + text : `${before} ${text}`
}

function shift(segment: SpokenSegment, by: number): SpokenSegment {
  const move = <T extends { readonly start: number; readonly end: number }>(what: T): T => ({
    ...what,
    start: round(what.start + by),
    end: round(what.end + by),
  })
  return { ...move(segment), words: segment.words.map(move) }
}

function concat(steps: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(steps.length * voiceStep)
  for (const [i, step] of steps.entries()) all.set(step, i * voiceStep)
  return all
}

function round(seconds: number): number {
  return Math.round(1000 * seconds) / 1000
}
