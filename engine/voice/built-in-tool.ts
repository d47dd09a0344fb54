import type { z } from 'zod'
import type { JsonSchema } from '../inference/language.ts'

/** Names of the tools that there are, as the configuration switches them. */
export const builtInToolNames = ['look', 'latest_value', 'set_parameter'] as const
export type BuiltInToolName = (typeof builtInToolNames)[number]

/** What pipelines let voices change. */
export interface VoiceParameters {
  list(): readonly {
    /** `<pipeline>/<stream>.<option>`. */
    readonly name: string
    readonly value: unknown
    readonly schema: JsonSchema
  }[]
  /** Throws `not-found`, or `invalid` with what was expected. Gives the value as it is then. */
  set(name: string, value: unknown): unknown
}

/** A tool of the engine, with what checks its arguments. */
export interface BuiltInTool {
  readonly name: BuiltInToolName
  readonly description: string
  readonly options: z.ZodType
  call(options: unknown, signal: AbortSignal): Promise<string> | string
}
