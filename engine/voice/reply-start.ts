import { heardText, type SpokenClause, wordsOf } from './heard.ts'
import type { ReplyItem } from './history.ts'
import { stopSpeculation } from './reply-end.ts'
import { addItem, onClause, onGenerated, onReplyText, onToolCall } from './reply-events.ts'
import { generate, toPrompt } from './reply-generate.ts'
import { sameWords } from './same-words.ts'
import { finishIfDone, speakNext } from './speaking.ts'
import type { Draft, Interrupted, OwedReply, Speculation } from './state.ts'

/**
 * Begins the response that is owed, once nobody speaks, everything said is understood and no other response is under way. The only place where
 * one begins.
 */
export function beginOwed(draft: Draft): void {
  const { owed, utterance, transcribing, reply } = draft.state
  if (!owed || utterance || transcribing.length > 0 || reply) return
  draft.set({ owed: undefined, interrupted: undefined })
  draft.stopTimers('idle')
  open(draft, owed)
  const { speculation } = draft.state
  if (speculation && fits(draft, owed, speculation)) promote(draft, speculation)
  else ask(draft, owed)
}

function open(draft: Draft, { turn, settings, isOutOfBand, messages }: OwedReply): void {
  const response = `resp_${draft.nextId()}`
  const { now } = draft.state
  const item: ReplyItem = {
    id: `item_${draft.nextId()}`,
    type: 'reply',
    text: '',
    isSpoken: settings.modality === 'audio',
    clauses: [],
    playedMs: 0,
    status: 'in-progress',
  }
  const work = { round: 0, toolRounds: 0, calls: [], prior: [], isGenerated: false, speaking: undefined, nextClause: 0 }
  const marks = { isItemAdded: false, isHeld: false, isEnded: false, languageAt: now, soundAt: now }
  draft.set({ reply: { turn, response, settings, isOutOfBand, messages, item, ...work, ...marks } })
  draft.tell({ type: 'response-started', turn, response, settings, isOutOfBand })
}

/** A prepared answer serves when it was to the same words, by the same settings. */
function fits(draft: Draft, owed: OwedReply, { turn, text, settings }: Speculation): boolean {
  const said = draft.state.history.findLast((item) => item.type === 'message')
  return owed.turn === turn && owed.settings === settings && said?.type === 'message' && sameWords(said.text, text)
}

/** What the model has written meanwhile is said at once. */
function promote(draft: Draft, { round, events }: Speculation): void {
  draft.set({ speculation: undefined })
  draft.setReply({ round })
  draft.startTimer('language', draft.state.options.deadlines.language)
  for (const event of events) {
    if (event.type === 'reply-text') onReplyText(draft, event)
    else if (event.type === 'clause') onClause(draft, event)
    else if (event.type === 'tool-call') onToolCall(draft, event)
    else if (event.type === 'generated') onGenerated(draft, event)
  }
}

function ask(draft: Draft, { resumes, messages, settings }: OwedReply): void {
  stopSpeculation(draft)
  if (resumes) goOn(draft, resumes)
  else generate(draft, messages ?? toPrompt(settings, draft.state.history))
}

/** Says what was not heard of a reply that a noise cut off; the model goes on where it was cut off as well. */
function goOn(draft: Draft, { item, isGenerated, settings }: Interrupted): void {
  const { history, options } = draft.state
  const rest = unheard(item.clauses, item.playedMs)
  const text = rest.map((clause) => clause.text).join(' ')
  if (text !== '') sayRest(draft, rest, text)
  if (isGenerated) {
    draft.setReply({ isGenerated: true })
    finishIfDone(draft)
  } else if (item.text === '') generate(draft, toPrompt(settings, history))
  else {
    const said = { ...item, status: 'completed' as const }
    const prompt = toPrompt(
      settings,
      history.map((one) => (one.id === item.id ? said : one)),
    )
    generate(draft, [...prompt, { role: 'user', content: options.continuePrompt }])
  }
}

function sayRest(draft: Draft, clauses: readonly SpokenClause[], text: string): void {
  const reply = addItem(draft)
  if (!reply) return
  draft.setItem({ text, clauses })
  draft.tell({ type: 'reply-text', response: reply.response, item: reply.item.id, text })
  speakNext(draft)
}

/** The clauses from the first word on that was not heard. */
function unheard(clauses: readonly SpokenClause[], playedMs: number): SpokenClause[] {
  let start = 0
  return clauses.flatMap((clause) => {
    const heard = wordsOf(heardText([clause], playedMs - start)).length
    start += clause.soundMs
    const text = wordsOf(clause.text).slice(heard).join(' ')
    return text === '' ? [] : [{ text, soundMs: 0, isWhole: false }]
  })
}
