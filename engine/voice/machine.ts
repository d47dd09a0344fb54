import { endReplies, onRequest } from './conversation.ts'
import type { Effect } from './effects.ts'
import type { EventOf, TimerName, VoiceEvent } from './events.ts'
import { onFailed, onOverdue } from './failures.ts'
import {
  dismiss,
  endTurn,
  onClear,
  onCommit,
  onConfirmed,
  onPartial,
  onPress,
  onRelease,
  onSilence,
  onSpeech,
  onTranscript,
  speculate,
} from './listening.ts'
import { onClause, onGenerated, onReplyText, onToolCall, onToolResult } from './reply-events.ts'
import { beginOwed } from './reply-start.ts'
import { onFlushed, onPlayed, onSound, onSpoken } from './speaking.ts'
import { Draft, type VoiceState } from './state.ts'

/**
 * One step of a voice session: what happened, then the state after it and what is to be done. Pure: it asks no clock and changes nothing.
 *
 * A session keeps the state, tells each event once, in any order in which they happen, and carries the effects out as `Effect` says. An event that
 * belongs to a turn, round, clause or timer that is not under way any more changes nothing: that makes interruption safe, since what was cancelled
 * may still answer.
 */
export function step(state: VoiceState, event: VoiceEvent): readonly [VoiceState, readonly Effect[]] {
  if (state.isClosed) return [state, []]
  const draft = new Draft({ ...state, now: Math.max(state.now, event.at) })
  if (!keptForLater(draft, event)) handle(draft, event)
  if (!draft.state.isClosed) beginOwed(draft)
  return [draft.state, draft.effects]
}

/** What comes of a prepared answer waits until it is wanted. */
function keptForLater(draft: Draft, event: VoiceEvent): boolean {
  const { speculation } = draft.state
  if (!speculation || event.type === 'failed' || !('round' in event)) return false
  if (event.turn !== speculation.turn || event.round !== speculation.round) return false
  draft.set({ speculation: { ...speculation, events: [...speculation.events, event] } })
  return true
}

type Handlers = { readonly [T in VoiceEvent['type']]: (draft: Draft, event: EventOf<T>) => void }

const handlers: Handlers = {
  audio: (draft, { ms }) => draft.set({ inputMs: draft.state.inputMs + ms }),
  speech: onSpeech,
  silence: onSilence,
  partial: onPartial,
  transcript: onTranscript,
  press: onPress,
  release: onRelease,
  commit: (draft, { id }) => onCommit(draft, id),
  clear: onClear,
  'reply-text': onReplyText,
  clause: onClause,
  'tool-call': onToolCall,
  generated: onGenerated,
  'tool-result': onToolResult,
  sound: onSound,
  spoken: onSpoken,
  played: onPlayed,
  flushed: onFlushed,
  'create-item': onRequest,
  'delete-item': onRequest,
  truncate: onRequest,
  respond: onRequest,
  'cancel-response': onRequest,
  say: onRequest,
  interrupt: onRequest,
  failed: onFailed,
  timer: onTimer,
  update: onUpdate,
  close: onClose,
}

function handle<T extends VoiceEvent['type']>(draft: Draft, event: EventOf<T>): void {
  const handler = handlers[event.type as T] as (draft: Draft, event: EventOf<T>) => void
  handler(draft, event)
}

function onTimer(draft: Draft, { timer, timerId }: EventOf<'timer'>): void {
  if (draft.state.timers[timer] !== timerId) return
  draft.forgetTimer(timer)
  const ring = timerHandlers[timer]
  if (ring) ring(draft)
  else onOverdue(draft, timer)
}

const timerHandlers: Readonly<Partial<Record<TimerName, (draft: Draft) => void>>> = {
  'end-of-turn': endTurn,
  'longest-turn': endTurn,
  speculate,
  confirm: onConfirmed,
  idle: onIdle,
}

/** Nobody has said anything for long: the assistant does. */
function onIdle(draft: Draft): void {
  const { utterance, transcribing, owed, reply, settings, inputMs } = draft.state
  if (utterance || transcribing.length > 0 || owed || reply) return
  const turn = draft.nextTurn()
  draft.tell({ type: 'idle-timeout', turn, audioMs: inputMs })
  draft.set({ owed: { turn, settings, isOutOfBand: false, isAsked: false } })
}

function onUpdate(draft: Draft, { settings }: EventOf<'update'>): void {
  draft.set({ settings: { ...draft.state.settings, ...settings } })
  draft.tell({ type: 'settings', settings: draft.state.settings })
}

function onClose(draft: Draft): void {
  endReplies(draft)
  dismiss(draft)
  for (const { turn, toMs } of draft.state.transcribing) draft.do({ type: 'forget', turn, toMs })
  draft.set({ transcribing: [], isClosed: true })
  draft.stopTimers(...(Object.keys(draft.state.timers) as TimerName[]))
  draft.do({ type: 'end' })
}
