import { expect } from 'vitest'
import type { Effect, Notice } from '../../engine/voice/effects.ts'
import { soundOf } from '../../engine/voice/heard.ts'
import type { VoiceSettings } from '../../engine/voice/settings.ts'
import type { VoiceState } from '../../engine/voice/state.ts'

interface SeenResponse {
  readonly turn: number
  readonly settings: VoiceSettings
  readonly openItems: Set<string>
  ends: number
}

/** Judges a voice session by what it does alone: the invariants of its protocol, by their numbers. */
export class VoiceOracle {
  readonly #state: () => VoiceState
  readonly #responses = new Map<string, SeenResponse>()
  readonly #listening = new Map<number, number>()
  #openSpeech: string | undefined
  #consumedMs = 0
  #heldTurn: number | undefined
  readonly #stopped = new Set<number>()

  constructor(state: () => VoiceState) {
    this.#state = state
  }

  see(effect: Effect): void {
    if (effect.type === 'tell') this.#hear(effect.notice)
    else if (effect.type === 'listen') this.#listen(effect.turn, effect.fromMs)
    else if (effect.type === 'transcribe') this.#consume(effect.turn, effect.toMs)
    else if (effect.type === 'forget' && this.#listening.has(effect.turn)) this.#consume(effect.turn, effect.toMs)
    else if (effect.type === 'hold') this.#heldTurn = effect.turn
    else if (effect.type === 'resume') this.#resume(effect.turn)
    else if (effect.type === 'stop-reply') this.#stop(effect.turn)
    else if (effect.type === 'generate' || effect.type === 'speak' || effect.type === 'call-tool') this.#work(effect)
  }

  check(): void {
    const open = [...this.#responses.values()].filter(({ ends }) => ends === 0)
    expect(open.length, '1: never two responses in progress').toBeLessThanOrEqual(1)
    const { reply, inputMs, consumedMs } = this.#state()
    expect(consumedMs, '7: no sound is used before it has come').toBeLessThanOrEqual(inputMs)
    expect(reply?.isHeld ?? false, 'a reply that is held is known to be').toBe(this.#heldTurn !== undefined)
    if (reply) expect(reply.item.playedMs).toBeLessThanOrEqual(soundOf(reply.item.clauses))
  }

  checkEnd(): void {
    for (const [name, { ends, openItems }] of this.#responses) {
      expect(ends, `2: ${name} ends with exactly one final event`).toBe(1)
      expect([...openItems], `4: what ${name} added is done`).toEqual([])
    }
    expect(this.#openSpeech, '5: a turn that was announced is resolved').toBeUndefined()
    expect([...this.#listening], '7: all sound that was listened to is used or forgotten').toEqual([])
  }

  #hear(notice: Notice): void {
    if (notice.type === 'speech-started') this.#startSpeech(notice.item)
    else if (notice.type === 'speech-stopped') this.#stopSpeech(notice.item)
    else if (notice.type === 'response-started') this.#begin(notice)
    else if ('response' in notice && notice.response !== null) this.#hearResponse(notice.response, notice)
  }

  #startSpeech(item: string): void {
    expect(this.#openSpeech, '5: no start within a turn').toBeUndefined()
    this.#openSpeech = item
  }

  #stopSpeech(item: string): void {
    expect(this.#openSpeech, '5: no end without a start').toBe(item)
    this.#openSpeech = undefined
  }

  #begin({ response, turn, settings }: Extract<Notice, { type: 'response-started' }>): void {
    expect(this.#responses.has(response), '2: a response starts once').toBe(false)
    this.#responses.set(response, { turn, settings, openItems: new Set(), ends: 0 })
    this.#heldTurn = undefined
  }

  #hearResponse(name: string, notice: Notice): void {
    const seen = this.#responses.get(name)
    if (!seen) throw new Error(`Expected ${notice.type} of a response that has started, received ${name}`)
    expect(seen.ends, `3: no ${notice.type} after the final event`).toBe(0)
    if (notice.type === 'response-ended') {
      seen.ends += 1
      expect([...seen.openItems], '4: items are done before the response is').toEqual([])
    } else if (notice.type === 'item-added' && !notice.isDone) seen.openItems.add(notice.item.id)
    else if (notice.type === 'item-done')
      expect(seen.openItems.delete(notice.item.id), '4: done once, after added').toBe(true)
    else if (notice.type === 'reply-text')
      expect(seen.openItems.has(notice.item), '4: text only in an open item').toBe(true)
  }

  #work(effect: Extract<Effect, { type: 'generate' | 'speak' | 'call-tool' }>): void {
    expect(this.#stopped.has(effect.turn), `3: no ${effect.type} for a reply that was stopped`).toBe(false)
    const seen = [...this.#responses.values()].find(({ turn, ends }) => turn === effect.turn && ends === 0)
    if (effect.type !== 'generate')
      expect(seen, `3: ${effect.type} only while its response is in progress`).toBeDefined()
    else if (seen)
      expect({ ...effect.settings, tools: [] }, '6: one configuration').toEqual({ ...seen.settings, tools: [] })
  }

  #resume(turn: number): void {
    expect(this.#heldTurn, 'only what is held goes on').toBe(turn)
    this.#heldTurn = undefined
  }

  #stop(turn: number): void {
    this.#stopped.add(turn)
    if (this.#heldTurn === turn) this.#heldTurn = undefined
  }

  #listen(turn: number, fromMs: number): void {
    expect(fromMs, '7: no sound is used twice').toBeGreaterThanOrEqual(this.#consumedMs)
    this.#listening.set(turn, fromMs)
  }

  #consume(turn: number, toMs: number): void {
    const fromMs = this.#listening.get(turn)
    if (fromMs === undefined) throw new Error(`7: turn ${turn} ends without having been listened to`)
    expect(toMs, '7: sound ends after it has begun').toBeGreaterThanOrEqual(fromMs)
    this.#listening.delete(turn)
    this.#consumedMs = toMs
  }
}
