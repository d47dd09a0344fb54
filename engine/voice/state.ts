import type { ChatMessage } from '../inference/language.ts'
import type { Effect, Notice } from './effects.ts'
import type { EventOf, ReplyEvent, TimerName } from './events.ts'
import { type History, type HistoryItem, type ReplyItem, withReply } from './history.ts'
import {
  defaultSettings,
  type MachineOptions,
  machineDefaults,
  type TurnDetection,
  type VoiceSettings,
} from './settings.ts'

/** Something that the user says, from its beginning until it is committed or dismissed. */
export interface Utterance {
  readonly turn: number
  readonly item: string
  /** null: by hand. */
  readonly detection: TurnDetection | null
  /** Milliseconds of input sound. */
  readonly fromMs: number
  readonly isSpeech: boolean
  /** Input milliseconds at which the newest stretch of speech began, and at which the last one ended. */
  readonly speechFromMs: number
  readonly endMs: number
  /** Of all stretches but the one that is going on. */
  readonly spokenMs: number
  /** When the silence began, by the clock. */
  readonly silentAt: number
  readonly text: string
  readonly completeness: number | undefined
}

/** An utterance whose text is awaited. */
export interface Transcribing {
  readonly turn: number
  readonly item: string
  readonly responds: boolean
  readonly since: number
  readonly toMs: number
}

/** An answer that is prepared before the turn is surely over: what comes of it waits. */
export interface Speculation {
  readonly turn: number
  readonly round: number
  readonly text: string
  readonly messages: readonly ChatMessage[]
  readonly settings: VoiceSettings
  readonly events: readonly (ReplyEvent & { readonly at: number })[]
}

/** A reply from the start of its response until its last sound was heard. */
export interface Reply {
  readonly turn: number
  readonly response: string
  readonly settings: VoiceSettings
  readonly isOutOfBand: boolean
  readonly messages: readonly ChatMessage[] | undefined
  readonly round: number
  readonly toolRounds: number
  /** Its text and sound; in the history as well, once it has text, unless it is out of band. */
  readonly item: ReplyItem
  readonly isItemAdded: boolean
  /** Of this round, in order, with their outputs as they come. */
  readonly calls: readonly PendingCall[]
  /** Calls and results of the rounds before. */
  readonly prior: readonly HistoryItem[]
  readonly isGenerated: boolean
  /** The clause that is being spoken; the next one is that behind it. */
  readonly speaking: number | undefined
  readonly nextClause: number
  readonly isHeld: boolean
  /** Its response has ended, but its sound still plays. */
  readonly isEnded: boolean
  /** When each stage last gave a sign of life. */
  readonly languageAt: number
  readonly soundAt: number
}

export interface PendingCall {
  readonly call: EventOf<'tool-call'>['call']
  readonly isBuiltIn: boolean
  readonly output: string | undefined
}

/** A response that begins as soon as nobody speaks, nothing is being transcribed and no other one plays. */
export interface OwedReply {
  readonly turn: number
  readonly settings: VoiceSettings
  readonly isOutOfBand: boolean
  readonly messages?: readonly ChatMessage[]
  /** A reply that a false interruption cut off. */
  readonly resumes?: Interrupted
  /** A client asked for it. */
  readonly isAsked: boolean
}

/** What a voice cut off. */
export interface Interrupted {
  /** Of the voice. */
  readonly by: number
  readonly item: ReplyItem
  readonly isGenerated: boolean
  readonly settings: VoiceSettings
}

/** A voice session between two events. Immutable. */
export interface VoiceState {
  readonly options: MachineOptions
  readonly settings: VoiceSettings
  readonly now: number
  /** The newest. */
  readonly turn: number
  readonly lastId: number
  /** Sound that has come, and that has been used or forgotten. Milliseconds. */
  readonly inputMs: number
  readonly consumedMs: number
  readonly history: History
  readonly utterance: Utterance | undefined
  readonly transcribing: readonly Transcribing[]
  readonly speculation: Speculation | undefined
  readonly owed: OwedReply | undefined
  readonly reply: Reply | undefined
  readonly interrupted: Interrupted | undefined
  /** The reply whose sound is being dropped. */
  readonly flushing: { readonly turn: number; readonly item: string } | undefined
  readonly timers: Readonly<Partial<Record<TimerName, number>>>
  /** The user's longest pause within a turn so far. */
  readonly longestPauseMs: number
  readonly isClosed: boolean
}

export function initialState(options: Partial<MachineOptions> = {}, settings: Partial<VoiceSettings> = {}): VoiceState {
  return {
    options: { ...machineDefaults, ...options },
    settings: { ...defaultSettings, ...settings },
    now: 0,
    turn: 0,
    lastId: 0,
    inputMs: 0,
    consumedMs: 0,
    history: [],
    utterance: undefined,
    transcribing: [],
    speculation: undefined,
    owed: undefined,
    reply: undefined,
    interrupted: undefined,
    flushing: undefined,
    timers: {},
    longestPauseMs: 0,
    isClosed: false,
  }
}

/** One step on its way: the state so far and what is to be done. Lives within `step` only. */
export class Draft {
  readonly effects: Effect[] = []
  state: VoiceState

  constructor(state: VoiceState) {
    this.state = state
  }

  set(change: Partial<VoiceState>): void {
    this.state = { ...this.state, ...change }
  }

  do(effect: Effect): void {
    this.effects.push(effect)
  }

  tell(notice: Notice): void {
    this.effects.push({ type: 'tell', notice })
  }

  nextTurn(): number {
    this.set({ turn: this.state.turn + 1 })
    return this.state.turn
  }

  /** A number that this session has not given yet. */
  nextId(): number {
    this.set({ lastId: this.state.lastId + 1 })
    return this.state.lastId
  }

  startTimer(timer: TimerName, ms: number): void {
    const timerId = this.nextId()
    this.set({ timers: { ...this.state.timers, [timer]: timerId } })
    this.do({ type: 'start-timer', timer, timerId, ms: Math.max(0, ms) })
  }

  stopTimers(...names: readonly TimerName[]): void {
    for (const timer of names) {
      if (this.state.timers[timer] === undefined) continue
      this.forgetTimer(timer)
      this.do({ type: 'stop-timer', timer })
    }
  }

  forgetTimer(timer: TimerName): void {
    this.set({ timers: { ...this.state.timers, [timer]: undefined } })
  }

  setUtterance(change: Partial<Utterance>): void {
    const { utterance } = this.state
    if (utterance) this.set({ utterance: { ...utterance, ...change } })
  }

  setReply(change: Partial<Reply>): void {
    const { reply } = this.state
    if (reply) this.set({ reply: { ...reply, ...change } })
  }

  /** Of the reply, here and in the history. */
  setItem(change: Partial<Omit<ReplyItem, 'id' | 'type'>>): void {
    const { reply, history } = this.state
    if (!reply) return
    this.set({
      reply: { ...reply, item: { ...reply.item, ...change } },
      history: withReply(history, reply.item.id, change),
    })
  }
}
