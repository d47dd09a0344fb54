import { EngineError } from '../errors.ts'
import type { RefusalReason } from './effects.ts'
import type { RequestEvent } from './events.ts'
import { previousOf, truncated, withItem, withoutItem } from './history.ts'
import { cutReply, interruptReply } from './reply-end.ts'
import type { Draft } from './state.ts'

/** What a client asks for; what cannot be done is refused, and nothing has changed then. */
export function onRequest(draft: Draft, event: RequestEvent): void {
  try {
    request(draft, event)
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    refuse(draft, event, error, null)
  }
}

function refuse(
  draft: Draft,
  { id }: RequestEvent,
  { code, message }: EngineError,
  reason: RefusalReason | null,
): void {
  draft.tell({ type: 'refused', id: id ?? null, code, reason, message })
}

function request(draft: Draft, event: RequestEvent): void {
  if (event.type === 'create-item') createItem(draft, event)
  else if (event.type === 'delete-item') deleteItem(draft, event.item)
  else if (event.type === 'truncate') truncate(draft, event.item, event.endMs)
  else if (event.type === 'respond') respond(draft, event)
  else if (event.type === 'cancel-response') cancel(draft, event)
  else if (event.type === 'say') say(draft, event.text)
  else quieten(draft)
}

function createItem(draft: Draft, { item, previous }: Extract<RequestEvent, { type: 'create-item' }>): void {
  if (/^(?:item|resp)_\d+$/.test(item.id))
    throw new EngineError(
      'invalid',
      `Expected an id that is not of the form item_1, which is the server's own, received ${item.id}`,
    )
  draft.set({ history: withItem(draft.state.history, item, previous) })
  draft.tell({
    type: 'item-added',
    response: null,
    item,
    previous: previousOf(draft.state.history, item.id),
    isDone: true,
  })
}

function deleteItem(draft: Draft, id: string): void {
  const history = withoutItem(draft.state.history, id)
  if (draft.state.reply?.item.id === id && !draft.state.reply.isEnded)
    throw new EngineError('conflict', `Expected an item that is done, ${id} is being said. Cancel the response first.`)
  if (draft.state.reply?.item.id === id) interruptReply(draft, 'client_cancelled')
  draft.set({ history })
  draft.tell({ type: 'item-deleted', item: id })
}

/** Whoever tells what was heard has stopped playing. */
function truncate(draft: Draft, id: string, endMs: number): void {
  truncated(draft.state.history, id, endMs)
  const { reply } = draft.state
  const isAllHeard = reply?.item.id === id && reply.isEnded && draft.state.utterance === undefined
  if (reply?.item.id === id) interruptReply(draft, isAllHeard ? 'client_cancelled' : 'turn_detected')
  draft.set({ history: truncated(draft.state.history, id, endMs) })
  const { flushing, interrupted } = draft.state
  if (flushing?.item === id) draft.set({ flushing: undefined })
  if (interrupted?.item.id === id)
    draft.set({ interrupted: { ...interrupted, item: { ...interrupted.item, playedMs: endMs } } })
  draft.tell({ type: 'item-truncated', item: id, endMs })
}

function respond(draft: Draft, event: Extract<RequestEvent, { type: 'respond' }>): void {
  const { reply, owed, settings } = draft.state
  if ((reply && !reply.isEnded) || owed?.isAsked) {
    const message = 'Expected no response in progress, one is. Cancel it, or wait for its end.'
    refuse(draft, event, new EngineError('conflict', message), 'conversation_already_has_active_response')
    return
  }
  interruptReply(draft, 'client_cancelled')
  const wanted = {
    settings: event.settings ? { ...settings, ...event.settings } : settings,
    isOutOfBand: event.isOutOfBand ?? false,
  }
  const messages = event.messages ? { messages: event.messages } : {}
  draft.set({ owed: { turn: draft.nextTurn(), ...wanted, ...messages, isAsked: true } })
}

function cancel(draft: Draft, event: Extract<RequestEvent, { type: 'cancel-response' }>): void {
  const { reply, owed, transcribing } = draft.state
  const isOther = event.response !== undefined && event.response !== reply?.response
  const isPlaying = reply !== undefined && !isOther
  if (!isPlaying && (isOther || !owed)) {
    const message = 'Expected a response in progress to cancel, found none. Nothing has to be done.'
    refuse(draft, event, new EngineError('conflict', message), 'response_cancel_not_active')
    return
  }
  draft.set({ owed: undefined, transcribing: transcribing.map((one) => ({ ...one, responds: false })) })
  interruptReply(draft, 'client_cancelled')
}

function say(draft: Draft, text: string): void {
  if (text.trim() === '') throw new EngineError('invalid', 'Expected words to say, received none')
  interruptReply(draft, 'client_cancelled')
  const item = { id: `item_${draft.nextId()}`, type: 'message', role: 'user', text } as const
  draft.set({ history: withItem(draft.state.history, item) })
  draft.tell({
    type: 'item-added',
    response: null,
    item,
    previous: previousOf(draft.state.history, item.id),
    isDone: true,
  })
  draft.set({ owed: { turn: draft.nextTurn(), settings: draft.state.settings, isOutOfBand: false, isAsked: true } })
}

/** Nothing is said or answered until somebody speaks or asks again. */
export function quieten(draft: Draft): void {
  const { transcribing } = draft.state
  draft.set({ owed: undefined, transcribing: transcribing.map((one) => ({ ...one, responds: false })) })
  interruptReply(draft, 'client_cancelled')
}

/** The session is over: everything that was announced is ended. */
export function endReplies(draft: Draft): void {
  interruptReply(draft, 'closed')
  cutReply(draft, { status: 'cancelled', reason: 'closed' })
  draft.set({ owed: undefined, interrupted: undefined, flushing: undefined })
}
