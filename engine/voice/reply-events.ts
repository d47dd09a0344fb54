import type { EventOf } from './events.ts'
import { type HistoryItem, previousOf, withItem } from './history.ts'
import { generate, toPrompt } from './reply-generate.ts'
import { finishIfDone, speakNext } from './speaking.ts'
import type { Draft, PendingCall, Reply } from './state.ts'

/** The reply to whose present round the event belongs. */
function replyOf(draft: Draft, { turn, round }: { readonly turn: number; readonly round: number }): Reply | undefined {
  const { reply } = draft.state
  return reply?.turn === turn && reply.round === round && !reply.isGenerated && !reply.isEnded ? reply : undefined
}

export function onReplyText(draft: Draft, event: EventOf<'reply-text'>): void {
  if (!replyOf(draft, event) || event.text === '') return
  const reply = addItem(draft)
  if (!reply) return
  draft.setReply({ languageAt: draft.state.now })
  draft.setItem({ text: reply.item.text + event.text })
  draft.tell({ type: 'reply-text', response: reply.response, item: reply.item.id, text: event.text })
}

/** Speech begins with the first clause, while the rest is still being written. */
export function onClause(draft: Draft, event: EventOf<'clause'>): void {
  const reply = replyOf(draft, event)
  if (!reply || reply.settings.modality === 'text' || event.text.trim() === '') return
  addItem(draft)
  draft.setItem({ clauses: [...reply.item.clauses, { text: event.text, soundMs: 0, isWhole: false }] })
  speakNext(draft)
}

/** The reply's item enters the conversation with its first text. */
export function addItem(draft: Draft): Reply | undefined {
  const { reply } = draft.state
  if (!reply || reply.isItemAdded) return reply
  if (!reply.isOutOfBand) draft.set({ history: withItem(draft.state.history, reply.item) })
  draft.setReply({ isItemAdded: true })
  const previous = reply.isOutOfBand ? null : previousOf(draft.state.history, reply.item.id)
  draft.tell({ type: 'item-added', response: reply.response, item: reply.item, previous, isDone: false })
  return draft.state.reply
}

export function onToolCall(draft: Draft, event: EventOf<'tool-call'>): void {
  const reply = replyOf(draft, event)
  if (!reply) return
  const isBuiltIn = draft.state.options.builtInTools.includes(event.call.name)
  draft.setReply({
    calls: [...reply.calls, { call: event.call, isBuiltIn, output: undefined }],
    languageAt: draft.state.now,
  })
}

/** The round is over: its tools are called, in the order in which the model asked, or the text was all. */
export function onGenerated(draft: Draft, event: EventOf<'generated'>): void {
  const reply = replyOf(draft, event)
  if (!reply) return
  draft.setReply({ isGenerated: true })
  draft.stopTimers('language')
  for (const { call, isBuiltIn } of reply.calls) {
    if (isBuiltIn) draft.do({ type: 'call-tool', turn: reply.turn, call })
    else addCallItem(draft, { id: `item_${draft.nextId()}`, type: 'call', call })
  }
  if (reply.calls.some(({ isBuiltIn }) => isBuiltIn)) draft.startTimer('tool', draft.state.options.deadlines.tool)
  finishIfDone(draft)
}

/** A client's tool: the client answers with an item, and asks for a response. */
function addCallItem(draft: Draft, item: HistoryItem): void {
  const { reply } = draft.state
  if (!reply) return
  if (!reply.isOutOfBand) draft.set({ history: withItem(draft.state.history, item) })
  const previous = reply.isOutOfBand ? null : previousOf(draft.state.history, item.id)
  draft.tell({ type: 'item-added', response: reply.response, item, previous, isDone: false })
  draft.tell({ type: 'item-done', response: reply.response, item, status: 'completed' })
}

export function onToolResult(draft: Draft, { turn, callId, output }: EventOf<'tool-result'>): void {
  const { reply } = draft.state
  if (reply?.turn !== turn || !reply.isGenerated || reply.isEnded) return
  const isAwaited = (one: PendingCall) => one.call.id === callId && one.isBuiltIn && one.output === undefined
  const first = reply.calls.findIndex(isAwaited)
  if (first < 0) return
  const calls = reply.calls.map((one, i) => (i === first ? { ...one, output } : one))
  draft.setReply({ calls })
  if (calls.every((one) => !one.isBuiltIn || one.output !== undefined)) answerTools(draft, calls)
}

/** All built-in tools have answered: the model goes on, unless it waits for the client's as well. */
function answerTools(draft: Draft, calls: readonly PendingCall[]): void {
  const { reply } = draft.state
  if (!reply) return
  draft.stopTimers('tool')
  const items = toItems(
    draft,
    calls.filter(({ isBuiltIn }) => isBuiltIn),
  )
  if (!reply.isOutOfBand) for (const item of items) draft.set({ history: withItem(draft.state.history, item) })
  if (calls.some(({ isBuiltIn }) => !isBuiltIn)) {
    finishIfDone(draft)
    return
  }
  draft.setReply({ toolRounds: reply.toolRounds + 1, prior: [...reply.prior, ...items] })
  generate(draft, promptOf(draft))
}

/** The calls of a round stand together before their results, as models want them. */
function toItems(draft: Draft, calls: readonly PendingCall[]): HistoryItem[] {
  const asked = calls.map(({ call }): HistoryItem => ({ id: `item_${draft.nextId()}`, type: 'call', call }))
  const answered = calls.map(({ call, output }): HistoryItem => {
    const result = { callId: call.id, name: call.name, output: output ?? '' }
    return { id: `item_${draft.nextId()}`, type: 'result', ...result }
  })
  return [...asked, ...answered]
}

/** The conversation with all that the reply has said already, heard or about to be heard. */
function promptOf(draft: Draft) {
  const { reply, history } = draft.state
  if (!reply) return []
  const said = { ...reply.item, status: 'completed' as const }
  if (reply.messages)
    return [...reply.messages, ...toPrompt({ ...reply.settings, instructions: '' }, [said, ...reply.prior])]
  const isKept = !reply.isOutOfBand
  const items = isKept ? history.map((one) => (one.id === said.id ? said : one)) : [...history, said, ...reply.prior]
  return toPrompt(reply.settings, items)
}
