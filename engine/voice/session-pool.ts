import { randomBytes } from 'node:crypto'
import { EngineError } from '../errors.ts'
import type { Language } from '../inference/language.ts'
import type { Speech, VoiceDetection } from '../inference/speech.ts'
import { unlessAborted } from '../inference/unless-aborted.ts'
import { RunningSession } from './running-session.ts'
import { defaultSettings, type MachineOptions, type VoiceSettings } from './settings.ts'
import type { TurnMeasures } from './turn-measures.ts'
import type { VoiceOutput } from './voice-output.ts'
import type { VoiceSession } from './voice-session.ts'
import type { VoiceSessionOptions, VoiceSessions } from './voice-sessions.ts'
import { noTools, type VoiceTools } from './voice-tools.ts'

/** What a client that opens a session waits for at most: a Pi loads a language model in 13 s, others may be before it. */
const warmWithinMs = 120_000

/** What a session pool is made of. */
export interface SessionPoolOptions {
  readonly speech: Speech
  readonly language: Language
  /** Of all sessions that bring none; left out: none. */
  readonly tools?: VoiceTools
  /** Times and limits of sessions that bring none of their own. */
  readonly machine?: Partial<MachineOptions>
  /** Sessions at once, those that are being opened with them. */
  readonly limit: number
  readonly onTrouble: (error: unknown) => void
  /** A reply has ended. */
  readonly onMeasured?: (measures: TurnMeasures) => void
}

/** All voice sessions of the engine. Disposing it ends them all, and those that are being opened. */
export class SessionPool implements VoiceSessions, AsyncDisposable {
  readonly #options: SessionPoolOptions
  readonly #open = new Set<RunningSession>()
  readonly #closing = new AbortController()
  #opening = 0

  constructor(options: SessionPoolOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#open.size + this.#opening
  }

  async open(output: VoiceOutput, options: VoiceSessionOptions, signal?: AbortSignal): Promise<VoiceSession> {
    if (this.#closing.signal.aborted) throw new EngineError('closed', 'The engine is closing: no voice session opens')
    const { limit } = this.#options
    if (this.size >= limit)
      throw new EngineError('busy', `Expected at most ${limit} voice sessions at once. Try again when one has ended`)
    this.#opening++
    try {
      return await this.#openWarm(output, options, signal)
    } finally {
      this.#opening--
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new EngineError('closed', 'The engine is closing'))
    await Promise.all([...this.#open].map((session) => session[Symbol.asyncDispose]()))
  }

  async #openWarm(output: VoiceOutput, options: VoiceSessionOptions, left?: AbortSignal): Promise<VoiceSession> {
    const late = AbortSignal.timeout(warmWithinMs)
    const signal = AbortSignal.any([this.#closing.signal, late, ...(left ? [left] : [])])
    const settings = { ...defaultSettings, ...options.settings }
    const detecting = this.#options.speech.detector.open()
    try {
      await unlessAborted(Promise.all([detecting, this.#warm(options, settings, signal)]), signal)
      return this.#begin(output, options, await detecting)
    } catch (error) {
      // It may come later than the reason for not wanting it.
      detecting.then((detection) => detection[Symbol.asyncDispose]()).catch(() => undefined)
      throw late.aborted ? tooLate() : error
    }
  }

  #begin(output: VoiceOutput, options: VoiceSessionOptions, detection: VoiceDetection): RunningSession {
    const { speech, language, onTrouble, onMeasured = () => undefined, tools: own = noTools } = this.#options
    const { user, settings = {}, tools = own, history = [] } = options
    const machine = { ...this.#options.machine, ...options.machine }
    const id = randomBytes(9).toString('base64url')
    const session: RunningSession = new RunningSession({
      ...{
        id,
        user: `${user} ${id}`,
        output,
        speech,
        language,
        detection,
        tools,
        machine,
        settings,
        history,
        onTrouble,
        onMeasured,
      },
      onEnd: () => this.#open.delete(session),
    })
    this.#open.add(session)
    return session
  }

  /** Loads every model that the session's first turn needs, so that a missing one is known before anybody speaks. */
  async #warm({ purpose, user }: VoiceSessionOptions, settings: VoiceSettings, signal: AbortSignal): Promise<void> {
    const { speech, language } = this.#options
    const recogniser = this.#warmRecogniser(settings, signal)
    if (purpose === 'transcribe') return await recogniser
    const writer = language
      .find(settings.model)
      .then(({ name }) => language.load(name, { priority: 'interactive', user }, signal))
    const voice = settings.modality === 'audio' ? speech.synthesiser.speak('', settings.voice, signal) : undefined
    await Promise.all([recogniser, writer, voice])
  }

  async #warmRecogniser({ recognition }: VoiceSettings, signal: AbortSignal): Promise<void> {
    const recogniser = await this.#options.speech.recogniser()
    await recogniser.warm?.(signal)
    const stream = await recogniser.open(recognition)
    await stream[Symbol.asyncDispose]()
  }
}

function tooLate(): EngineError {
  const message = `Expected the models of a voice session to load within ${warmWithinMs / 1000} s. Try again later`
  return new EngineError('timeout', message)
}
