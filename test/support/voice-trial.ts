import type { Effect, Notice } from '../../engine/voice/effects.ts'
import type { VoiceEvent } from '../../engine/voice/events.ts'
import { step } from '../../engine/voice/machine.ts'
import type { MachineOptions, VoiceSettings } from '../../engine/voice/settings.ts'
import { initialState, type VoiceState } from '../../engine/voice/state.ts'

type Told = VoiceEvent extends infer E ? (E extends VoiceEvent ? Omit<E, 'at'> : never) : never
type EffectOf<T extends Effect['type']> = Extract<Effect, { type: T }>
type NoticeOf<T extends Notice['type']> = Extract<Notice, { type: T }>

/** A voice session without stages: the test says what they answer. Its clock stands still but for `pass`; its timers ring by it. */
export class VoiceTrial {
  state: VoiceState
  now = 1000
  readonly effects: Effect[] = []
  readonly #byType = new Map<string, Effect[]>()
  readonly #toldByType = new Map<string, Notice[]>()
  readonly #timers = new Map<string, { readonly at: number; readonly timerId: number }>()

  constructor(options: Partial<MachineOptions> = {}, settings: Partial<VoiceSettings> = {}) {
    this.state = initialState(options, settings)
  }

  tell(event: Told): readonly Effect[] {
    const [state, effects] = step(this.state, { ...event, at: this.now } as VoiceEvent)
    this.state = state
    this.effects.push(...effects)
    for (const effect of effects) {
      keep(this.#byType, effect)
      if (effect.type === 'tell') keep(this.#toldByType, effect.notice)
      if (effect.type === 'start-timer')
        this.#timers.set(effect.timer, { at: this.now + effect.ms, timerId: effect.timerId })
      if (effect.type === 'stop-timer') this.#timers.delete(effect.timer)
    }
    return effects
  }

  /** Sound comes and time passes alike; timers ring when it is theirs. */
  pass(ms: number): void {
    const end = this.now + ms
    for (;;) {
      const [next] = [...this.#timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)
      if (!next) break
      const [timer, { at, timerId }] = next
      this.#timers.delete(timer)
      this.#reach(at)
      this.tell({ type: 'timer', timer: timer as 'idle', timerId })
    }
    this.#reach(end)
  }

  #reach(at: number): void {
    if (at > this.now) {
      const ms = at - this.now
      this.now = at
      this.tell({ type: 'audio', ms })
    }
  }

  get timers(): string[] {
    return [...this.#timers.keys()]
  }

  get audioMs(): number {
    return this.state.inputMs
  }

  speak(ms: number): void {
    this.tell({ type: 'speech', audioMs: this.audioMs })
    this.pass(ms)
    this.tell({ type: 'silence', audioMs: this.audioMs })
  }

  all<T extends Effect['type']>(type: T): EffectOf<T>[] {
    return (this.#byType.get(type) ?? []) as EffectOf<T>[]
  }

  last<T extends Effect['type']>(type: T): EffectOf<T> {
    const effect = this.all(type).at(-1)
    if (!effect) throw new Error(`Expected the effect ${type}, found ${this.effects.map((one) => one.type).join(', ')}`)
    return effect
  }

  get notices(): Notice[] {
    return this.all('tell').map(({ notice }) => notice)
  }

  told<T extends Notice['type']>(type: T): NoticeOf<T>[] {
    return (this.#toldByType.get(type) ?? []) as NoticeOf<T>[]
  }

  /** The user says something; its text is understood. */
  say(text: string): void {
    this.speak(500)
    this.pass(600)
    this.tell({ type: 'transcript', turn: this.last('transcribe').turn, text })
  }

  /** The model writes a sentence. */
  write(...clauses: readonly string[]): void {
    for (const text of clauses) {
      const { turn, round } = this.last('generate')
      this.tell({ type: 'reply-text', turn, round, text: `${text} ` })
      this.tell({ type: 'clause', turn, round, text })
    }
  }

  endWriting(): void {
    const { turn, round } = this.last('generate')
    this.tell({ type: 'generated', turn, round })
  }

  /** The newest clause gets so much sound, all of it. */
  sound(ms: number): void {
    const { turn, clause } = this.last('speak')
    this.tell({ type: 'sound', turn, clause, ms })
    this.tell({ type: 'spoken', turn, clause })
  }

  play(ms: number): void {
    this.tell({ type: 'played', turn: this.last('speak').turn, ms })
  }

  /** The whole exchange, up to the end of the sound. */
  answer(text: string, soundMs = 1000): void {
    this.write(text)
    this.endWriting()
    this.sound(soundMs)
    this.play(soundMs)
  }

  /** What the newest prompt says, without the instructions. */
  get prompt(): string[] {
    return this.last('generate').messages.map(({ role, content }) => `${role}: ${content}`)
  }
}

function keep<T extends { readonly type: string }>(byType: Map<string, T[]>, one: T): void {
  const all = byType.get(one.type)
  if (all) all.push(one)
  else byType.set(one.type, [one])
}
