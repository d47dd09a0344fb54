import type { Synthesiser, SynthesisOptions } from '../inference/speech.ts'
import { ClauseSound } from './clause-sound.ts'
import { failureOf } from './failure-of.ts'
import type { ReplySound } from './voice-output.ts'
import type { UntimedEvent } from './voice-request.ts'

/** So much sound is handed over at once: an interruption is that precise. */
const pieceSeconds = 0.2

/** A clause to say, and of what reply it is. */
export interface Clause extends Pick<ReplySound, 'turn' | 'clause' | 'response' | 'item'> {
  readonly text: string
  readonly voice: SynthesisOptions
}

/** What a mouth speaks with, and whom it tells. */
export interface MouthOptions {
  readonly synthesiser: Synthesiser
  readonly play: (sound: ReplySound) => Promise<void>
  readonly tell: (event: UntimedEvent) => void
}

interface Prepared {
  readonly turn: number
  readonly clause: number
  readonly sound: ClauseSound
}

/** The speaking side of a voice session: one clause is handed over, the next one is made meanwhile. */
export class Mouth implements AsyncDisposable {
  readonly #options: MouthOptions
  readonly #works = new Set<Promise<void>>()
  #said: Prepared | undefined
  #next: Prepared | undefined

  constructor(options: MouthOptions) {
    this.#options = options
  }

  say(clause: Clause): void {
    const prepared = this.#take(clause)
    this.#said = prepared
    this.#keep(this.#run(clause, prepared))
  }

  /** The clause that is likely to be said next: its sound is made already. undefined: there is none. */
  prepare(clause: Pick<Clause, 'turn' | 'clause' | 'text' | 'voice'> | undefined): void {
    if (!clause || (this.#next?.turn === clause.turn && this.#next.clause === clause.clause)) return
    this.#next?.sound.abort()
    this.#next = this.#begin(clause)
  }

  /** No sound of the reply is handed over any more. */
  stop(turn: number): void {
    for (const one of [this.#said, this.#next]) if (one?.turn === turn) one.sound.abort()
    if (this.#next?.turn === turn) this.#next = undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#said?.sound.abort()
    this.#next?.sound.abort()
    await Promise.all(this.#works)
  }

  #take(clause: Clause): Prepared {
    const next = this.#next
    if (next?.turn !== clause.turn || next.clause !== clause.clause) return this.#begin(clause)
    this.#next = undefined
    return next
  }

  #begin({ turn, clause, text, voice }: Pick<Clause, 'turn' | 'clause' | 'text' | 'voice'>): Prepared {
    const sound = new ClauseSound(this.#options.synthesiser, text, voice)
    this.#keep(sound.ended)
    return { turn, clause, sound }
  }

  #keep(work: Promise<void>): void {
    const kept = work.finally(() => this.#works.delete(kept))
    this.#works.add(kept)
  }

  async #run(clause: Clause, { sound }: Prepared): Promise<void> {
    const { tell } = this.#options
    const { turn, clause: number } = clause
    try {
      const sampleRate = await sound.sampleRate
      for await (const chunk of sound.chunks())
        for (const samples of cut(chunk, Math.ceil(sampleRate * pieceSeconds)))
          if (!(await this.#hand(clause, sound, { samples, sampleRate }))) return
      if (!sound.isAborted) tell({ type: 'spoken', turn, clause: number })
    } catch (error) {
      if (!sound.isAborted) tell({ type: 'failed', turn, stage: 'synthesiser', ...failureOf(error) })
    }
  }

  /** Whether the reply is still wanted. */
  async #hand(clause: Clause, sound: ClauseSound, piece: Pick<ReplySound, 'samples' | 'sampleRate'>): Promise<boolean> {
    if (sound.isAborted) return false
    const { turn, clause: number, response, item } = clause
    await this.#options.play({ turn, clause: number, response, item, ...piece })
    if (sound.isAborted) return false
    const ms = (piece.samples.length * 1000) / piece.sampleRate
    this.#options.tell({ type: 'sound', turn, clause: number, ms })
    return true
  }
}

function* cut(samples: Int16Array, length: number): Generator<Int16Array> {
  for (let at = 0; at < samples.length; at += length) yield samples.subarray(at, at + length)
}
