import type { LanguageTool, ToolCall } from '../inference/language.ts'

/** Tools that the engine itself calls for a voice session, offered to every model that can call tools. */
export interface VoiceTools {
  /** Fixed while a voice session runs; their names come before those of a client's tools. */
  readonly tools: readonly LanguageTool[]
  /** What the model reads as the answer. Throws `invalid` for wrong arguments: the model hears of it and can say so. */
  call(call: ToolCall, signal: AbortSignal): Promise<string>
}

/** No tools at all. */
export const noTools: VoiceTools = {
  tools: [],
  call: (call) => Promise.reject(new Error(`Expected no call of a tool, received ${call.name}`)),
}
