import type { ErrorCode } from '../errors.ts'
import type { EventOf, TimerName } from './events.ts'
import { soundOf } from './heard.ts'
import { onRecogniserFailed } from './listening.ts'
import { cutReply, stopSpeculation } from './reply-end.ts'
import { onToolResult } from './reply-events.ts'
import type { Stage } from './settings.ts'
import type { Draft } from './state.ts'

/** A stage failed: what depends on it ends, the voice session goes on. */
export function onFailed(draft: Draft, event: EventOf<'failed'>): void {
  const { turn, stage, code, message, callId } = event
  const { speculation, reply } = draft.state
  const isOf = (work: { readonly round: number } | undefined) =>
    event.round === undefined || event.round === work?.round
  if (stage === 'recogniser') recogniserFailed(draft, turn, code, message)
  else if (stage === 'tool') toolFailed(draft, turn, callId ?? '', message)
  else if (stage === 'language' && speculation?.turn === turn && isOf(speculation)) stopSpeculation(draft)
  else if (stage !== 'language' || isOf(reply)) replyFailed(draft, { turn, stage, code, message })
}

function recogniserFailed(draft: Draft, turn: number, code: ErrorCode, message: string): void {
  const { utterance, transcribing } = draft.state
  if (utterance?.turn !== turn && !transcribing.some((one) => one.turn === turn)) return
  draft.tell({ type: 'stage-failed', turn, stage: 'recogniser', code, message })
  onRecogniserFailed(draft, turn, message)
}

/** The model hears of it, and can say so. */
function toolFailed(draft: Draft, turn: number, callId: string, message: string): void {
  onToolResult(draft, { type: 'tool-result', at: draft.state.now, turn, callId, output: `Error: ${message}` })
}

interface Failure {
  readonly turn: number
  readonly stage: Stage
  readonly code: ErrorCode
  readonly message: string
}

function replyFailed(draft: Draft, failure: Failure): void {
  if (draft.state.reply?.turn !== failure.turn) return
  draft.tell({ type: 'stage-failed', ...failure })
  cutReply(draft, { status: 'failed' })
}

/** The time of a stage is over: it has failed, unless it gave a sign of life meanwhile. */
export function onOverdue(draft: Draft, timer: TimerName): void {
  const stage = timer as Stage
  const ms = draft.state.options.deadlines[stage]
  const { reply, transcribing, now } = draft.state
  const message = `Expected the ${stage} to go on within ${ms} ms, it did not. The voice session goes on.`
  if (stage === 'recogniser') {
    const [first] = transcribing
    if (first) recogniserFailed(draft, first.turn, 'timeout', message)
    return
  }
  if (!reply) return
  if (stage === 'tool') {
    for (const { call, isBuiltIn, output } of reply.calls)
      if (isBuiltIn && output === undefined) toolFailed(draft, reply.turn, call.id, message)
    return
  }
  const leftMs = lastSignOf(draft, stage) + ms - now
  if (leftMs > 0) draft.startTimer(stage, leftMs)
  else replyFailed(draft, { turn: reply.turn, stage, code: 'timeout', message })
}

/** A reply that is held waits for nobody; a voice is late only when the listener has nothing left to hear, a player only when it has. */
function lastSignOf(draft: Draft, stage: Stage): number {
  const { reply, now } = draft.state
  if (!reply || reply.isHeld) return now
  if (stage === 'language') return reply.languageAt
  const isPlaying = soundOf(reply.item.clauses) > reply.item.playedMs
  return isPlaying === (stage === 'player') ? reply.soundAt : now
}
