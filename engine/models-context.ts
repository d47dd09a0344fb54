import type { CommandLine } from './command-line.ts'
import type { Catalogue } from './inference/catalogue.ts'
import type { ModelStore } from './inference/model-store.ts'
import type { Terminal } from './progress-bar.ts'

/** What a command on models works with. */
export interface ModelsContext {
  readonly store: ModelStore
  readonly catalogue: Catalogue
  readonly output: Output
  readonly flags: CommandLine['flags']
  /** Print for programs. */
  readonly json: boolean
  readonly signal: AbortSignal
}

/** Where a command writes. */
export interface Output {
  /** One line. */
  readonly print: (text: string) => void
  /** Where a line may be written over; undefined where the output is no terminal. */
  readonly terminal?: Terminal | undefined
}
