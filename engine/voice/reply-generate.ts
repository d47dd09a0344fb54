import type { ChatMessage } from '../inference/language.ts'
import { type History, toMessages } from './history.ts'
import type { VoiceSettings } from './settings.ts'
import type { Draft } from './state.ts'

/** What the model reads: the instructions, then the conversation as it was heard. */
export function toPrompt({ instructions }: VoiceSettings, history: History): ChatMessage[] {
  const messages = toMessages(history)
  return instructions === '' ? messages : [{ role: 'system', content: instructions }, ...messages]
}

/** Asks the model for the next round of the reply. */
export function generate(draft: Draft, messages: readonly ChatMessage[]): void {
  const { reply, options } = draft.state
  if (!reply) return
  const round = draft.nextId()
  const isLastRound = reply.toolRounds >= options.maxToolRounds
  const settings = isLastRound ? { ...reply.settings, tools: [], callsTools: false } : reply.settings
  draft.setReply({ round, calls: [], isGenerated: false, languageAt: draft.state.now })
  draft.do({ type: 'generate', turn: reply.turn, round, messages, settings })
  draft.startTimer('language', options.deadlines.language)
}
