import { silenceThatEnds } from './end-of-turn.ts'
import type { EventOf } from './events.ts'
import { previousOf, withItem, withoutItem } from './history.ts'
import { endHold, interruptReply, stopSpeculation } from './reply-end.ts'
import { toPrompt } from './reply-generate.ts'
import { sameWords } from './same-words.ts'
import type { TurnDetection } from './settings.ts'
import type { Draft, Transcribing, Utterance } from './state.ts'

/** The voice detector hears speech: a new turn, or the open one goes on. */
export function onSpeech(draft: Draft, { audioMs, at }: EventOf<'speech'>): void {
  const { utterance, settings, consumedMs, longestPauseMs } = draft.state
  if (!settings.turnDetection && !utterance?.detection) return
  if (utterance) {
    if (utterance.isSpeech || !utterance.detection) return
    const pauseMs = Math.max(longestPauseMs, at - utterance.silentAt)
    draft.set({ longestPauseMs: Math.min(pauseMs, draft.state.options.undecidedMs * 4) })
    draft.setUtterance({ isSpeech: true, speechFromMs: audioMs })
    draft.stopTimers('end-of-turn', 'speculate')
    stopSpeculation(draft)
    awaitConfirmation(draft)
    return
  }
  const { turnDetection } = settings
  if (!turnDetection) return
  const prefixMs = turnDetection.type === 'server_vad' ? turnDetection.prefixMs : 300
  openUtterance(draft, turnDetection, Math.max(consumedMs, audioMs - prefixMs), audioMs)
  if (!turnDetection.interruptResponse || !draft.state.reply) return
  if (draft.state.options.holdMs === 0) interruptReply(draft, 'turn_detected')
  else hold(draft)
}

/** A button was pressed: whoever does that means it. */
export function onPress(draft: Draft): void {
  if (draft.state.utterance) dismiss(draft)
  interruptReply(draft, 'turn_detected')
  draft.set({ interrupted: undefined })
  openUtterance(draft, null, draft.state.inputMs, draft.state.inputMs)
}

function openUtterance(draft: Draft, detection: TurnDetection | null, fromMs: number, speechFromMs: number): void {
  const turn = draft.nextTurn()
  const item = `item_${draft.nextId()}`
  const sound = { fromMs, speechFromMs, endMs: speechFromMs, spokenMs: 0, silentAt: 0 }
  draft.set({ utterance: { turn, item, detection, isSpeech: true, text: '', completeness: undefined, ...sound } })
  draft.stopTimers('idle')
  draft.do({ type: 'listen', turn, fromMs, options: draft.state.settings.recognition })
  draft.tell({ type: 'speech-started', turn, item, audioMs: fromMs })
  draft.startTimer('longest-turn', draft.state.options.longestTurnMs)
}

function hold(draft: Draft): void {
  const { reply } = draft.state
  if (!reply) return
  draft.setReply({ isHeld: true })
  draft.do({ type: 'hold', turn: reply.turn })
  draft.tell({ type: 'reply-held', turn: reply.turn })
  awaitConfirmation(draft)
}

/** Speech that goes on so long means to interrupt. */
function awaitConfirmation(draft: Draft): void {
  const { reply, utterance, options } = draft.state
  if (reply?.isHeld && utterance) draft.startTimer('confirm', options.holdMs - utterance.spokenMs)
}

/** It has lasted. */
export function onConfirmed(draft: Draft): void {
  if (draft.state.utterance?.isSpeech && draft.state.reply?.isHeld) interruptReply(draft, 'turn_detected')
}

export function onSilence(draft: Draft, { audioMs, at, lastedMs = 0 }: EventOf<'silence'>): void {
  const { utterance, options, settings, reply } = draft.state
  if (!utterance?.isSpeech || !utterance.detection) return
  const endMs = Math.max(audioMs, utterance.speechFromMs)
  const spokenMs = utterance.spokenMs + endMs - utterance.speechFromMs
  draft.setUtterance({ isSpeech: false, endMs, spokenMs, silentAt: at - lastedMs })
  draft.stopTimers('confirm')
  const isShort = reply?.isHeld === true && spokenMs < options.holdMs
  draft.startTimer('end-of-turn', (isShort ? options.resumeMs : waitMs(draft, utterance)) - lastedMs)
  if (!isShort && utterance.detection.createResponse && settings.turnDetection)
    draft.startTimer('speculate', options.speculateMs - lastedMs)
}

function waitMs(draft: Draft, { detection, text, completeness }: Utterance): number {
  const { options, longestPauseMs } = draft.state
  return detection ? silenceThatEnds(detection, { text, completeness, longestPauseMs }, options) : options.longestTurnMs
}

/** More was understood: the end may be nearer or further than it seemed, and a prepared answer may be to the wrong words. */
export function onPartial(draft: Draft, { turn, text, completeness }: EventOf<'partial'>): void {
  const { utterance, speculation } = draft.state
  if (utterance?.turn !== turn) return
  draft.setUtterance({ text, completeness })
  draft.tell({ type: 'partial', turn, item: utterance.item, text })
  if (utterance.isSpeech || draft.state.reply?.isHeld) return
  const changed = { ...utterance, text, completeness }
  const silentMs = draft.state.now - utterance.silentAt
  draft.startTimer('end-of-turn', waitMs(draft, changed) - silentMs)
  if (!speculation || sameWords(speculation.text, text)) return
  stopSpeculation(draft)
  draft.startTimer('speculate', 0)
}

/** Prepares the answer to what was understood, where nothing else is under way. */
export function speculate(draft: Draft): void {
  const { utterance, transcribing, reply, owed, history, settings, speculation } = draft.state
  if (!utterance || utterance.isSpeech || utterance.text.trim() === '') return
  if (transcribing.length > 0 || reply || owed || speculation) return
  const { turn, text, item } = utterance
  const round = draft.nextId()
  const messages = toPrompt(settings, withItem(history, { id: item, type: 'message', role: 'user', text }))
  draft.set({ speculation: { turn, round, text, messages, settings, events: [] } })
  draft.do({ type: 'generate', turn, round, messages, settings })
}

/** The silence has lasted: the turn is over, or it was no turn at all. */
export function endTurn(draft: Draft): void {
  const { utterance, reply, options } = draft.state
  if (!utterance) return
  if (reply?.isHeld && spokenOf(utterance, draft) < options.holdMs) dismiss(draft)
  else commitUtterance(draft, utterance.detection?.createResponse ?? true)
}

function spokenOf(utterance: Utterance, draft: Draft): number {
  return utterance.isSpeech ? Math.max(0, draft.state.inputMs - utterance.fromMs) : utterance.spokenMs
}

export function onRelease(draft: Draft): void {
  const { utterance, inputMs, options } = draft.state
  if (!utterance || utterance.detection) return
  if (inputMs - utterance.fromMs >= options.leastAudioMs) commitUtterance(draft, true)
  else dismiss(draft)
}

/** The client says that the turn is over. */
export function onCommit(draft: Draft, id: string | undefined): void {
  const { utterance, inputMs, consumedMs, options, settings } = draft.state
  if (utterance) {
    commitUtterance(draft, utterance.detection?.createResponse ?? false)
    return
  }
  if (inputMs - consumedMs < options.leastAudioMs) {
    const message = `Expected at least ${options.leastAudioMs} ms of sound to commit, received ${Math.floor(inputMs - consumedMs)} ms. Append sound first.`
    draft.tell({ type: 'refused', id: id ?? null, code: 'invalid', reason: 'input_audio_buffer_commit_empty', message })
    return
  }
  const turn = draft.nextTurn()
  draft.do({ type: 'listen', turn, fromMs: consumedMs, options: settings.recognition })
  commit(
    draft,
    { turn, item: `item_${draft.nextId()}`, responds: false, since: draft.state.now, toMs: inputMs },
    consumedMs,
  )
}

export function onClear(draft: Draft): void {
  dismiss(draft)
  draft.set({ consumedMs: draft.state.inputMs })
  draft.tell({ type: 'cleared' })
}

function commitUtterance(draft: Draft, responds: boolean): void {
  const { utterance, reply } = draft.state
  if (!utterance) return
  if (reply?.isHeld) interruptReply(draft, 'turn_detected')
  const { turn, item, fromMs } = utterance
  const toMs = closeUtterance(draft, utterance, 'committed')
  commit(draft, { turn, item, responds, since: draft.state.now, toMs }, fromMs)
}

function commit(draft: Draft, entry: Transcribing, fromMs: number): void {
  const { turn, item, toMs } = entry
  draft.set({ consumedMs: toMs, transcribing: [...draft.state.transcribing, entry] })
  draft.set({ history: withItem(draft.state.history, { id: item, type: 'message', role: 'user', text: '' }) })
  draft.do({ type: 'transcribe', turn, toMs })
  draft.tell({ type: 'committed', turn, item, previous: previousOf(draft.state.history, item), fromMs, toMs })
  if (draft.state.timers.recogniser === undefined)
    draft.startTimer('recogniser', draft.state.options.deadlines.recogniser)
}

/** It was no speech: what it held up goes on. */
export function dismiss(draft: Draft): void {
  const { utterance } = draft.state
  if (!utterance) return
  const toMs = closeUtterance(draft, utterance, 'dismissed')
  draft.set({ consumedMs: toMs })
  draft.do({ type: 'forget', turn: utterance.turn, toMs })
  stopSpeculation(draft)
  endHold(draft)
}

/** The input milliseconds at which it ended. */
function closeUtterance(draft: Draft, utterance: Utterance, outcome: 'committed' | 'dismissed'): number {
  const { turn, item, detection, isSpeech, endMs, fromMs } = utterance
  const { inputMs } = draft.state
  const audioMs = Math.max(fromMs, isSpeech || !detection ? inputMs : Math.min(endMs, inputMs))
  draft.set({ utterance: undefined })
  draft.stopTimers('end-of-turn', 'speculate', 'confirm', 'longest-turn')
  draft.tell({ type: 'speech-stopped', turn, item, audioMs, outcome })
  return audioMs
}

export function onTranscript(draft: Draft, { turn, text }: EventOf<'transcript'>): void {
  const entry = takeTranscribing(draft, turn)
  if (!entry) return
  const said = text.trim()
  draft.tell({ type: 'transcribed', turn, item: entry.item, text: said })
  if (said === '') nothingSaid(draft, entry)
  else understood(draft, entry, said)
}

function understood(draft: Draft, { turn, item, responds }: Transcribing, text: string): void {
  const { history, settings } = draft.state
  draft.set({ interrupted: undefined })
  draft.set({ history: history.map((one) => (one.id === item && one.type === 'message' ? { ...one, text } : one)) })
  if (responds) owe(draft, { turn, settings })
}

function owe(draft: Draft, reply: { readonly turn: number; readonly settings: Draft['state']['settings'] }): void {
  if (draft.state.owed?.isAsked) return
  draft.set({ owed: { ...reply, isOutOfBand: false, isAsked: false } })
}

/** A noise that cut a reply off: the rest of it is said after all. */
function nothingSaid(draft: Draft, { turn, item }: Transcribing): void {
  const { history, interrupted, owed, speculation } = draft.state
  if (history.some(({ id }) => id === item)) draft.set({ history: withoutItem(history, item) })
  if (speculation?.turn === turn) stopSpeculation(draft)
  if (interrupted?.by !== turn) return
  draft.set({ interrupted: undefined })
  if (owed) return
  draft.set({
    owed: {
      turn: draft.nextTurn(),
      settings: interrupted.settings,
      isOutOfBand: false,
      resumes: interrupted,
      isAsked: false,
    },
  })
}

/** The recogniser failed, or has been silent for too long. */
export function onRecogniserFailed(draft: Draft, turn: number, message: string): void {
  const entry = takeTranscribing(draft, turn)
  if (entry) {
    draft.do({ type: 'forget', turn, toMs: entry.toMs })
    draft.tell({ type: 'transcription-failed', turn, item: entry.item, message })
    nothingSaid(draft, entry)
  } else if (draft.state.utterance?.turn === turn) dismiss(draft)
}

function takeTranscribing(draft: Draft, turn: number): Transcribing | undefined {
  const entry = draft.state.transcribing.find((one) => one.turn === turn)
  if (!entry) return undefined
  const rest = draft.state.transcribing.filter((one) => one !== entry)
  draft.set({ transcribing: rest })
  draft.stopTimers('recogniser')
  const [next] = rest
  if (next) draft.startTimer('recogniser', next.since + draft.state.options.deadlines.recogniser - draft.state.now)
  return entry
}
