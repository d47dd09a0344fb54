import type { LanguageUsage } from '../inference/language.ts'
import type { Effect, ResponseEnd } from './effects.ts'
import type { VoiceEvent } from './events.ts'
import type { TurnMeasures } from './turn-measures.ts'

/** Turns that may still come to a response. */
const mostTurns = 16

/** Moments of a turn, in milliseconds of the session's clock. */
interface Moments {
  speechEnd?: number
  committed?: number
  transcribed?: number
  sound?: number
  begun?: number
  /** By number, in the order in which they were asked for; those whose answer nobody wanted are gone. */
  readonly rounds: Map<number, Round>
}

/** One question to the language model. */
interface Round {
  readonly asked: number
  text?: number
  clause?: number
  usage?: LanguageUsage
}

type Moment = Exclude<keyof Moments, 'rounds'>

/** Looks on while a session works, and says of each reply how long its parts took. */
export class TurnMeter {
  readonly #turns = new Map<number, Moments>()
  /** When somebody last ceased to speak. */
  #speechEnd: number | undefined

  /** `inputMs`: of all sound so far. */
  see(event: VoiceEvent, inputMs: number): void {
    const { at } = event
    if (event.type === 'silence') this.#speechEnd = at - Math.max(0, inputMs - event.audioMs)
    else if (event.type === 'sound') this.#mark(event.turn, 'sound', at)
    else if (event.type === 'reply-text' || event.type === 'clause') {
      const round = this.#turns.get(event.turn)?.rounds.get(event.round)
      if (round) round[event.type === 'clause' ? 'clause' : 'text'] ??= at
    }
  }

  seeEffect(effect: Effect, at: number): void {
    if (effect.type === 'generate') this.#of(effect.turn).rounds.set(effect.round, { asked: at })
    // An answer that was prepared to other words than were said is no part of the reply.
    if (effect.type === 'stop-generating') this.#turns.get(effect.turn)?.rounds.delete(effect.round)
    if (effect.type !== 'tell') return
    const { notice } = effect
    if (notice.type === 'committed') this.#commit(notice.turn, at)
    else if (notice.type === 'transcribed') this.#mark(notice.turn, 'transcribed', at)
    else if (notice.type === 'response-started') this.#mark(notice.turn, 'begun', at)
  }

  seeUsage(turn: number, round: number, usage: LanguageUsage): void {
    const asked = this.#turns.get(turn)?.rounds.get(round)
    if (asked) asked.usage = usage
  }

  /** Of a reply that ends. */
  measure(turn: number, { status }: ResponseEnd): TurnMeasures {
    const moments = this.#of(turn)
    this.#turns.delete(turn)
    const { speechEnd, committed, transcribed, sound, begun } = moments
    const rounds = [...moments.rounds.values()]
    const first = (moment: 'text' | 'clause') => rounds.find((round) => round[moment] !== undefined)?.[moment]
    const [text, clause] = [first('text'), first('clause')]
    // What was prepared while somebody spoke waits for the response; that is no work of the voice.
    const speakable = clause === undefined ? undefined : Math.max(clause, begun ?? clause)
    return {
      endOfUtteranceDelayMs: between(speechEnd, committed),
      transcriptionDelayMs: between(committed, transcribed),
      ttftMs: between(rounds[0]?.asked, text),
      ttfbMs: between(speakable, sound),
      e2eMs: between(speechEnd ?? committed ?? begun, sound ?? text),
      ...tokensOf(rounds.flatMap(({ usage }) => usage ?? [])),
      cancelled: status !== 'completed',
    }
  }

  #commit(turn: number, at: number): void {
    this.#mark(turn, 'committed', at)
    if (this.#speechEnd !== undefined) this.#mark(turn, 'speechEnd', this.#speechEnd)
    this.#speechEnd = undefined
  }

  /** Only the first time counts. */
  #mark(turn: number, moment: Moment, at: number): void {
    this.#of(turn)[moment] ??= at
  }

  #of(turn: number): Moments {
    const known = this.#turns.get(turn)
    if (known) return known
    const moments: Moments = { rounds: new Map() }
    this.#turns.set(turn, moments)
    const [oldest] = this.#turns.keys()
    if (this.#turns.size > mostTurns && oldest !== undefined) this.#turns.delete(oldest)
    return moments
  }
}

function between(from: number | undefined, to: number | undefined): number | null {
  return from === undefined || to === undefined ? null : to - from
}

function tokensOf(usage: readonly LanguageUsage[]) {
  const sum = (read: (one: LanguageUsage) => number) => usage.reduce((total, one) => total + read(one), 0)
  const answerTokens = sum((one) => one.answerTokens)
  const answerMs = sum((one) => one.answerMs)
  return {
    promptTokens: sum((one) => one.promptTokens),
    cachedTokens: sum((one) => one.cachedTokens),
    answerTokens,
    // A first token alone took no time after itself.
    tokensPerSecond: answerTokens > 1 && answerMs > 0 ? (answerTokens * 1000) / answerMs : null,
  }
}
