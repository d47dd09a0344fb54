import type { HailoLanguageHost } from './hailo-language-host.ts'
import { type KeptContext, lackingTurns, type Turn } from './hailo-turns.ts'

/** Fewer tokens are read again as quickly as they are copied: at the vendor’s figures 256 take a second. */
const worthKeepingTokens = 256
/** Of the host's memory for contexts that were put aside: about 30 KB a token for a model of 1.5B, so several conversations. */
const asideBytes = 192e6

/** What is to be asked: the turns that the context lacks. */
export interface PreparedContext {
  readonly lacking: readonly Turn[]
  /** Tokens that the context holds already; 0: it is empty, and takes a system message and tools. */
  readonly used: number
}

/**
 * What is in the context of one model, so that a conversation which only grows is not read again. One that another one pushes out is copied,
 * if it is long, and comes back when it goes on.
 */
export class HailoContexts {
  readonly #host: HailoLanguageHost
  readonly #model: string
  /** Undefined: nobody knows, since an answer was broken off. */
  #current: KeptContext | undefined = { turns: [], tools: [], used: 0 }
  /** The last one used at the end. */
  readonly #aside: { readonly key: string; readonly bytes: number; readonly kept: KeptContext }[] = []
  #copies = 0

  constructor(host: HailoLanguageHost, model: string) {
    this.#host = host
    this.#model = model
  }

  /** Makes the context such that only the lacking turns have to be read. Until `keep` what is in it counts as unknown. */
  async prepare(turns: readonly Turn[], tools: readonly string[]): Promise<PreparedContext> {
    const current = this.#current
    const lacking = current && lackingTurns(current, turns, tools)
    if (current && lacking) {
      this.#current = undefined
      return { lacking, used: current.used }
    }
    const found = this.#aside.findLast(({ kept }) => lackingTurns(kept, turns, tools))
    await this.#putAside()
    this.#current = undefined
    if (!found || !this.#aside.includes(found)) return this.#clear(turns)
    this.#aside.splice(this.#aside.indexOf(found), 1)
    await this.#host.restoreContext(this.#model, found.key)
    return { lacking: lackingTurns(found.kept, turns, tools) ?? turns, used: found.kept.used }
  }

  /** The generation has ended by itself: this is in the context now. */
  keep(kept: KeptContext): void {
    this.#current = kept
  }

  /** Lets go of the copies. */
  forget(): void {
    this.#host.forget({ contexts: this.#aside.splice(0).map(({ key }) => key), frames: [] })
  }

  async #clear(turns: readonly Turn[]): Promise<PreparedContext> {
    await this.#host.clearContext(this.#model)
    return { lacking: turns, used: 0 }
  }

  async #putAside(): Promise<void> {
    const kept = this.#current
    if (!kept || kept.used < worthKeepingTokens) return
    const key = `${this.#model}/${++this.#copies}`
    this.#aside.push({ key, kept, bytes: await this.#host.keepContext(this.#model, key) })
    while (this.#aside.reduce((sum, { bytes }) => sum + bytes, 0) > asideBytes)
      this.#host.forget({ contexts: this.#aside.splice(0, 1).map((copy) => copy.key), frames: [] })
  }
}
