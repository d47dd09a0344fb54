import { EngineError } from '../errors.ts'
import type { Language } from '../inference/language.ts'
import type { Speech, VoiceDetection } from '../inference/speech.ts'
import { Ears } from './ears.ts'
import { EchoGate } from './echo-gate.ts'
import type { Effect } from './effects.ts'
import type { VoiceEvent } from './events.ts'
import type { History } from './history.ts'
import { step } from './machine.ts'
import { Mouth } from './mouth.ts'
import { RingingTimers } from './ringing-timers.ts'
import type { MachineOptions, VoiceSettings } from './settings.ts'
import { initialState, type VoiceState } from './state.ts'
import { ToolCaller } from './tool-caller.ts'
import type { TurnMeasures } from './turn-measures.ts'
import { TurnMeter } from './turn-meter.ts'
import type { VoiceOutput } from './voice-output.ts'
import type { UntimedEvent, VoiceRequest } from './voice-request.ts'
import type { VoiceSession } from './voice-session.ts'
import type { VoiceTools } from './voice-tools.ts'
import { Writer } from './writer.ts'

/** What is still at work by then is left to its own abort: nobody waits for it. */
const endWithinMs = 400

/** What a voice session is made of. */
export interface RunningSessionParts {
  readonly id: string
  /** As queues and messages name who asks. */
  readonly user: string
  readonly output: VoiceOutput
  readonly speech: Speech
  /** The session's from then on. */
  readonly detection: VoiceDetection
  readonly language: Language
  readonly tools: VoiceTools
  readonly machine: Partial<MachineOptions>
  readonly settings: Partial<VoiceSettings>
  readonly history: History
  /** A stage failed in a way that no turn is told of. */
  readonly onTrouble: (error: unknown) => void
  /** A reply has ended. */
  readonly onMeasured: (measures: TurnMeasures) => void
  /** Called once, when the session has ended. */
  readonly onEnd: () => void
  /** Milliseconds of a clock that only goes forward; for tests. */
  readonly now?: () => number
}

type Carriers = { readonly [T in Effect['type']]: (effect: Extract<Effect, { type: T }>) => void }

/** Keeps the turn machine's state, tells it what happens, and has its effects carried out; each of them has a part that does. */
export class RunningSession implements VoiceSession {
  readonly id: string
  readonly #parts: RunningSessionParts
  readonly #now: () => number
  readonly #ears: Ears
  readonly #writer: Writer
  readonly #mouth: Mouth
  readonly #tools: ToolCaller
  readonly #timers: RingingTimers
  readonly #meter = new TurnMeter()
  readonly #carriers: Carriers
  readonly #waiting: VoiceEvent[] = []
  #state: VoiceState
  #isStepping = false
  #ended: Promise<void> | undefined

  constructor(parts: RunningSessionParts) {
    const { id, user, speech, language, tools, detection, onTrouble } = parts
    const echo = new EchoGate()
    const output = echo.watch(parts.output)
    this.id = id
    this.#parts = parts
    this.#now = parts.now ?? (() => performance.now())
    const builtInTools = tools.tools.map(({ name }) => name)
    const begun = initialState({ ...parts.machine, builtInTools }, parts.settings)
    this.#state = { ...begun, history: parts.history, lastId: lastIdOf(parts.history) }
    const tell = (event: UntimedEvent) => this.#tell(event)
    const onUsage: TurnMeter['seeUsage'] = (...seen) => this.#meter.seeUsage(...seen)
    const recogniser = () => speech.recogniser()
    this.#ears = new Ears({ detection, echo, recogniser, tell, onDetectorFailure: onTrouble })
    this.#writer = new Writer({ language, tools: tools.tools, user, tell, onUsage })
    this.#mouth = new Mouth({ synthesiser: speech.synthesiser, play: (sound) => output.play(sound), tell })
    this.#tools = new ToolCaller(tools, tell)
    this.#timers = new RingingTimers((timer, timerId) => tell({ type: 'timer', timer, timerId }))
    this.#carriers = this.#createCarriers(output)
    this.#heed()
  }

  get settings(): VoiceSettings {
    return this.#state.settings
  }

  get history(): History {
    return this.#state.history
  }

  get inputMs(): number {
    return this.#state.inputMs
  }

  push(samples: Int16Array, sampleRate: number): void {
    if (this.#ended) throw new EngineError('closed', `Expected an open voice session, ${this.id} has ended`)
    this.#ears.hear(samples, sampleRate)
  }

  tell(request: VoiceRequest): void {
    this.#tell(request)
  }

  /** May be called twice. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#tell({ type: 'close' })
    return this.#ended ?? Promise.resolve()
  }

  /** One event after the other, also where carrying one out tells the next. */
  #tell(event: UntimedEvent): void {
    this.#waiting.push({ ...event, at: this.#now() } as VoiceEvent)
    if (this.#isStepping) return
    this.#isStepping = true
    try {
      for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) this.#step(next)
    } finally {
      this.#isStepping = false
    }
  }

  #step(event: VoiceEvent): void {
    const [state, effects] = step(this.#state, event)
    this.#state = state
    this.#meter.see(event, state.inputMs)
    for (const effect of effects) this.#carryOut(effect)
    this.#heed()
  }

  #carryOut<T extends Effect['type']>(effect: Extract<Effect, { type: T }>): void {
    this.#meter.seeEffect(effect, this.#now())
    const carrier = this.#carriers[effect.type as T] as (effect: Extract<Effect, { type: T }>) => void
    carrier(effect)
  }

  #createCarriers(output: VoiceOutput): Carriers {
    return {
      listen: ({ turn, fromMs, options }) => this.#ears.listen(turn, fromMs, options),
      transcribe: ({ turn, toMs }) => this.#ears.transcribe(turn, toMs),
      forget: ({ turn }) => this.#ears.forget(turn),
      generate: (effect) => this.#writer.write(effect),
      'stop-generating': ({ turn, round }) => this.#writer.stop(turn, round),
      'call-tool': ({ turn, call }) => this.#tools.call(turn, call),
      speak: (effect) => this.#speak(effect),
      'stop-reply': ({ turn }) => this.#stopReply(turn),
      hold: ({ turn }) => output.hold(turn),
      resume: ({ turn }) => output.resume(turn),
      flush: ({ turn }) => this.#flush(output, turn),
      'start-timer': ({ timer, timerId, ms }) => this.#timers.start(timer, timerId, ms),
      'stop-timer': ({ timer }) => this.#timers.stop(timer),
      tell: (effect) => this.#notify(output, effect),
      end: () => this.#end(),
    }
  }

  /** What the parts have to know of the state beyond the effects: what to listen for, and what is likely to be said next. */
  #heed(): void {
    const { utterance, settings, consumedMs, reply } = this.#state
    this.#ears.heed(utterance?.detection ?? settings.turnDetection, utterance?.fromMs ?? consumedMs)
    const next = reply?.item.clauses[reply.nextClause]
    this.#mouth.prepare(
      reply && next && { turn: reply.turn, clause: reply.nextClause, text: next.text, voice: reply.settings.voice },
    )
  }

  #speak({ turn, clause, text, voice }: Extract<Effect, { type: 'speak' }>): void {
    const { reply } = this.#state
    // Where the same step has ended the reply, its end is the next effect.
    if (reply?.turn === turn)
      this.#mouth.say({ turn, clause, text, voice, response: reply.response, item: reply.item.id })
  }

  #stopReply(turn: number): void {
    this.#writer.stop(turn)
    this.#tools.stop(turn)
    this.#mouth.stop(turn)
  }

  #flush(output: VoiceOutput, turn: number): void {
    const failed = (error: unknown) => {
      this.#parts.onTrouble(error)
      return 0
    }
    void output
      .flush(turn)
      .catch(failed)
      .then((ms) => this.#tell({ type: 'flushed', turn, ms }))
  }

  #notify(output: VoiceOutput, { notice }: Extract<Effect, { type: 'tell' }>): void {
    if (notice.type === 'response-ended') {
      const { turn, response, end } = notice
      const measures = this.#meter.measure(turn, end)
      this.#parts.onMeasured(measures)
      output.notice({ type: 'measured', turn, response, measures })
    }
    output.notice(notice)
  }

  #end(): void {
    this.#timers.stopAll()
    this.#ended = this.#endAll()
  }

  async #endAll(): Promise<void> {
    const parts = [this.#ears, this.#writer, this.#mouth, this.#tools]
    const all = Promise.allSettled(parts.map((part) => part[Symbol.asyncDispose]()))
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, endWithinMs)
    })
    await Promise.race([all, late])
    clearTimeout(timer)
    this.#parts.onEnd()
  }
}

/** Ids go on where a conversation that is gone on with has stopped. */
function lastIdOf(history: History): number {
  return history.reduce((last, { id }) => Math.max(last, Number(/^item_(\d+)$/.exec(id)?.[1] ?? 0)), 0)
}
