import type { ResponseEnd } from './effects.ts'
import { soundOf } from './heard.ts'
import type { HistoryItem } from './history.ts'
import type { Draft, Reply } from './state.ts'

/** Ends the response; its sound may still play. Each response comes through here once. */
export function endResponse(draft: Draft, end: ResponseEnd): void {
  const { reply } = draft.state
  if (!reply || reply.isEnded) return
  draft.setReply({ isEnded: true })
  draft.stopTimers('language', 'synthesiser', 'tool')
  if (reply.isItemAdded) tellItemDone(draft, reply, end)
  draft.tell({ type: 'response-ended', turn: reply.turn, response: reply.response, end })
}

function tellItemDone(draft: Draft, { response, item }: Reply, { status }: ResponseEnd): void {
  const done: HistoryItem = draft.state.history.find(({ id }) => id === item.id) ?? item
  draft.tell({ type: 'item-done', response, item: done, status: status === 'completed' ? 'completed' : 'incomplete' })
}

/** Lets the reply go when its response has ended and the last of its sound was heard. */
export function releaseIfHeard(draft: Draft): void {
  const { reply } = draft.state
  if (!reply?.isEnded || reply.item.playedMs < soundOf(reply.item.clauses)) return
  endHold(draft)
  draft.setItem({ status: 'completed' })
  draft.set({ reply: undefined })
  draft.stopTimers('player')
  awaitWords(draft)
}

/** The reply goes on. */
export function endHold(draft: Draft): void {
  const { reply, now } = draft.state
  if (!reply?.isHeld) return
  draft.setReply({ isHeld: false, soundAt: now, languageAt: now })
  draft.do({ type: 'resume', turn: reply.turn })
  draft.tell({ type: 'reply-resumed', turn: reply.turn })
}

/** Where the assistant is to speak by itself when nobody says anything. */
function awaitWords(draft: Draft): void {
  const detection = draft.state.settings.turnDetection
  const idleMs = detection?.type === 'server_vad' ? detection.idleTimeoutMs : null
  if (idleMs !== null && !draft.state.utterance) draft.startTimer('idle', idleMs)
}

/**
 * Cuts off whatever the assistant does: a reply under way or still playing, one that is owed, one that is prepared. Of what it said only the heard
 * words stay. A voice may prove to be none: then the rest is said later.
 */
export function interruptReply(draft: Draft, reason: NonNullable<ResponseEnd['reason']>): void {
  const { reply, utterance } = draft.state
  stopSpeculation(draft)
  if (reason !== 'turn_detected') draft.set({ interrupted: undefined })
  if (!reply) return
  const { item, isGenerated, settings } = reply
  cutReply(draft, { status: 'cancelled', reason })
  if (reason !== 'turn_detected' || !utterance || reply.isOutOfBand) return
  draft.set({ interrupted: { by: utterance.turn, item, isGenerated, settings } })
}

/** Ends the reply at once, with all its work and sound. */
export function cutReply(draft: Draft, end: ResponseEnd): void {
  const { reply } = draft.state
  if (!reply) return
  draft.do({ type: 'stop-reply', turn: reply.turn })
  if (reply.settings.modality === 'audio') draft.do({ type: 'flush', turn: reply.turn })
  draft.setItem({ status: 'incomplete' })
  endResponse(draft, end)
  draft.set({ reply: undefined, flushing: { turn: reply.turn, item: reply.item.id } })
  draft.stopTimers('player', 'confirm')
}

/** A prepared answer is not wanted. */
export function stopSpeculation(draft: Draft): void {
  const { speculation } = draft.state
  if (!speculation) return
  draft.set({ speculation: undefined })
  draft.do({ type: 'stop-generating', turn: speculation.turn, round: speculation.round })
}
