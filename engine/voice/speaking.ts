import type { EventOf } from './events.ts'
import { type SpokenClause, soundOf } from './heard.ts'
import { withReply } from './history.ts'
import { endResponse, releaseIfHeard } from './reply-end.ts'
import type { Draft, Reply } from './state.ts'

/** Has the next clause said, one at a time. */
export function speakNext(draft: Draft): void {
  const { reply, options, now } = draft.state
  if (!reply || reply.speaking !== undefined) return
  const clause = reply.item.clauses[reply.nextClause]
  if (!clause) return
  draft.setReply({ speaking: reply.nextClause, nextClause: reply.nextClause + 1, soundAt: now })
  draft.do({
    type: 'speak',
    turn: reply.turn,
    clause: reply.nextClause,
    text: clause.text,
    voice: reply.settings.voice,
  })
  draft.startTimer('synthesiser', options.deadlines.synthesiser)
}

export function onSound(draft: Draft, { turn, clause, ms, wordEnds }: EventOf<'sound'>): void {
  const reply = speakingReply(draft, turn, clause)
  if (!reply) return
  changeClause(draft, reply, clause, (one) => ({
    ...one,
    soundMs: one.soundMs + ms,
    ...(wordEnds ? { wordEnds } : {}),
  }))
  draft.setReply({ soundAt: draft.state.now })
  if (draft.state.timers.player === undefined) draft.startTimer('player', draft.state.options.deadlines.player)
}

export function onSpoken(draft: Draft, { turn, clause }: EventOf<'spoken'>): void {
  const reply = speakingReply(draft, turn, clause)
  if (!reply) return
  changeClause(draft, reply, clause, (one) => ({ ...one, isWhole: true }))
  draft.setReply({ speaking: undefined })
  draft.stopTimers('synthesiser')
  speakNext(draft)
  finishIfDone(draft)
}

function speakingReply(draft: Draft, turn: number, clause: number): Reply | undefined {
  const { reply } = draft.state
  return reply?.turn === turn && reply.speaking === clause && !reply.isEnded ? reply : undefined
}

function changeClause(draft: Draft, { item }: Reply, at: number, change: (clause: SpokenClause) => SpokenClause): void {
  draft.setItem({ clauses: item.clauses.map((clause, i) => (i === at ? change(clause) : clause)) })
}

/** Everything was written and said: the response is complete, though its sound may still play. */
export function finishIfDone(draft: Draft): void {
  const { reply } = draft.state
  if (!reply?.isGenerated || reply.isEnded || reply.speaking !== undefined) return
  if (
    reply.nextClause < reply.item.clauses.length ||
    reply.calls.some(({ isBuiltIn, output }) => isBuiltIn && output === undefined)
  )
    return
  endResponse(draft, { status: 'completed' })
  releaseIfHeard(draft)
}

export function onPlayed(draft: Draft, { turn, ms }: EventOf<'played'>): void {
  const { reply } = draft.state
  if (reply?.turn !== turn) return
  const playedMs = Math.min(Math.max(ms, reply.item.playedMs), soundOf(reply.item.clauses))
  if (playedMs > reply.item.playedMs) draft.setReply({ soundAt: draft.state.now })
  draft.setItem({ playedMs })
  releaseIfHeard(draft)
}

/** The player tells what exactly was heard of a reply that was cut off. */
export function onFlushed(draft: Draft, { turn, ms }: EventOf<'flushed'>): void {
  const { flushing, history, interrupted } = draft.state
  if (flushing?.turn !== turn) return
  const item = history.find(({ id }) => id === flushing.item)
  draft.set({ flushing: undefined })
  if (item?.type !== 'reply') return
  const playedMs = Math.min(Math.max(0, ms), soundOf(item.clauses))
  draft.set({ history: withReply(history, item.id, { playedMs }) })
  if (interrupted?.item.id === item.id)
    draft.set({ interrupted: { ...interrupted, item: { ...interrupted.item, playedMs } } })
}
