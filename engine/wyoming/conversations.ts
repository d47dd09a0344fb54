import type { ChatMessage } from '../inference/language.ts'

/** Conversations that are remembered; the one that was silent longest is forgotten for a new one. */
const mostConversations = 64
/** Messages of one: older ones are forgotten in blocks, since each change of what comes first has the model read all anew. */
const mostMessages = 40
const keptMessages = 20
/** Whoever comes back later begins anew. */
const rememberedMs = 10 * 60_000

interface Conversation {
  readonly messages: readonly ChatMessage[]
  readonly at: number
}

/** What was said in conversations that clients name: Home Assistant connects anew for each sentence. */
export class Conversations {
  readonly #known = new Map<string, Conversation>()
  readonly #now: () => number

  /** `now`: milliseconds; for tests. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** What was said before; nothing for one that is not known, or has no name. */
  recall(id: string | undefined): readonly ChatMessage[] {
    const known = id === undefined ? undefined : this.#known.get(id)
    return known && this.#now() - known.at < rememberedMs ? known.messages : []
  }

  remember(id: string | undefined, messages: readonly ChatMessage[]): void {
    if (id === undefined) return
    this.#known.delete(id)
    const kept = messages.length > mostMessages ? fromUser(messages.slice(-keptMessages)) : messages
    this.#known.set(id, { messages: kept, at: this.#now() })
    const [oldest] = this.#known.keys()
    if (this.#known.size > mostConversations && oldest !== undefined) this.#known.delete(oldest)
  }
}

/** A conversation begins with what the user says: an answer of a tool without its call means nothing. */
function fromUser(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  const first = messages.findIndex(({ role }) => role === 'user')
  return first < 0 ? [] : messages.slice(first)
}
