import assert from 'node:assert/strict'
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
  #inProgress = 0
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
    assert.ok(this.#inProgress <= 1, '1: never two responses in progress')
    const { reply, inputMs, consumedMs } = this.#state()
    assert.ok(consumedMs <= inputMs, '7: no sound is used before it has come')
    assert.equal(reply?.isHeld ?? false, this.#heldTurn !== undefined, 'a reply that is held is known to be')
    if (reply) assert.ok(reply.item.playedMs <= soundOf(reply.item.clauses), 'no more is heard than was handed out')
  }

  checkEnd(): void {
    for (const [name, { ends, openItems }] of this.#responses) {
      assert.equal(ends, 1, `2: ${name} ends with exactly one final event`)
      assert.equal(openItems.size, 0, `4: what ${name} added is done`)
    }
    assert.equal(this.#openSpeech, undefined, '5: a turn that was announced is resolved')
    assert.equal(this.#listening.size, 0, '7: all sound that was listened to is used or forgotten')
  }

  #hear(notice: Notice): void {
    if (notice.type === 'speech-started') this.#startSpeech(notice.item)
    else if (notice.type === 'speech-stopped') this.#stopSpeech(notice.item)
    else if (notice.type === 'response-started') this.#begin(notice)
    else if ('response' in notice && notice.response !== null) this.#hearResponse(notice.response, notice)
  }

  #startSpeech(item: string): void {
    assert.equal(this.#openSpeech, undefined, '5: no start within a turn')
    this.#openSpeech = item
  }

  #stopSpeech(item: string): void {
    assert.equal(this.#openSpeech, item, '5: no end without a start')
    this.#openSpeech = undefined
  }

  #begin({ response, turn, settings }: Extract<Notice, { type: 'response-started' }>): void {
    assert.ok(!this.#responses.has(response), '2: a response starts once')
    this.#responses.set(response, { turn, settings, openItems: new Set(), ends: 0 })
    this.#heldTurn = undefined
    this.#inProgress += 1
  }

  #hearResponse(name: string, notice: Notice): void {
    const seen = this.#responses.get(name)
    if (!seen) throw new Error(`Expected ${notice.type} of a response that has started, received ${name}`)
    assert.equal(seen.ends, 0, `3: no ${notice.type} after the final event`)
    if (notice.type === 'response-ended') {
      seen.ends += 1
      this.#inProgress -= 1
      assert.equal(seen.openItems.size, 0, '4: items are done before the response is')
    } else if (notice.type === 'item-added' && !notice.isDone) seen.openItems.add(notice.item.id)
    else if (notice.type === 'item-done') assert.ok(seen.openItems.delete(notice.item.id), '4: done once, after added')
    else if (notice.type === 'reply-text') assert.ok(seen.openItems.has(notice.item), '4: text only in an open item')
  }

  #work(effect: Extract<Effect, { type: 'generate' | 'speak' | 'call-tool' }>): void {
    assert.ok(!this.#stopped.has(effect.turn), `3: no ${effect.type} for a reply that was stopped`)
    const seen = [...this.#responses.values()].find(({ turn, ends }) => turn === effect.turn && ends === 0)
    if (effect.type !== 'generate') assert.ok(seen, `3: ${effect.type} only while its response is in progress`)
    else if (seen) assert.deepEqual(withoutTools(effect.settings), withoutTools(seen.settings), '6: one configuration')
  }

  #resume(turn: number): void {
    assert.equal(this.#heldTurn, turn, 'only what is held goes on')
    this.#heldTurn = undefined
  }

  #stop(turn: number): void {
    this.#stopped.add(turn)
    if (this.#heldTurn === turn) this.#heldTurn = undefined
  }

  #listen(turn: number, fromMs: number): void {
    assert.ok(fromMs >= this.#consumedMs, '7: no sound is used twice')
    this.#listening.set(turn, fromMs)
  }

  #consume(turn: number, toMs: number): void {
    const fromMs = this.#listening.get(turn)
    if (fromMs === undefined) throw new Error(`7: turn ${turn} ends without having been listened to`)
    assert.ok(toMs >= fromMs, '7: sound ends after it has begun')
    this.#listening.delete(turn)
    this.#consumedMs = toMs
  }
}

/** A reply that has asked for tools too often has to do without. */
function withoutTools({ tools: _, callsTools: __, ...settings }: VoiceSettings): object {
  return settings
}
