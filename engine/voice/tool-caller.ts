import type { ToolCall } from '../inference/language.ts'
import { failureOf } from './failure-of.ts'
import type { UntimedEvent } from './voice-request.ts'
import type { VoiceTools } from './voice-tools.ts'

/** Calls the engine's own tools for a voice session; those of a turn end with its reply. */
export class ToolCaller implements AsyncDisposable {
  readonly #tools: VoiceTools
  readonly #tell: (event: UntimedEvent) => void
  readonly #works = new Set<Promise<void>>()
  readonly #aborts = new Map<number, AbortController>()

  constructor(tools: VoiceTools, tell: (event: UntimedEvent) => void) {
    this.#tools = tools
    this.#tell = tell
  }

  call(turn: number, call: ToolCall): void {
    const abort = this.#aborts.get(turn) ?? new AbortController()
    this.#aborts.set(turn, abort)
    const work = this.#run(turn, call, abort.signal).finally(() => this.#works.delete(work))
    this.#works.add(work)
  }

  stop(turn: number): void {
    this.#aborts.get(turn)?.abort()
    this.#aborts.delete(turn)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const turn of [...this.#aborts.keys()]) this.stop(turn)
    await Promise.all(this.#works)
  }

  async #run(turn: number, call: ToolCall, signal: AbortSignal): Promise<void> {
    try {
      const output = await this.#tools.call(call, signal)
      if (!signal.aborted) this.#tell({ type: 'tool-result', turn, callId: call.id, output })
    } catch (error) {
      if (!signal.aborted) this.#tell({ type: 'failed', turn, callId: call.id, stage: 'tool', ...failureOf(error) })
    }
  }
}
