import type { EncodedMessage } from '../streams/encode.ts'
import type { Hub } from '../streams/hub.ts'
import { type Member, PlainGroup } from './plain-group.ts'

/** One `PlainGroup` per topic that has members; it listens to the hub while it has. */
export class PlainGroups {
  readonly #hub: Hub
  readonly #publish: (topic: string, message: EncodedMessage) => void
  readonly #groups = new Map<string, { readonly group: PlainGroup; leave: () => void }>()

  constructor(hub: Hub, publish: (topic: string, message: EncodedMessage) => void) {
    this.#hub = hub
    this.#publish = publish
  }

  /** Adds the member until the returned function is called, at the latest when its socket closes. Throws `not-found`. */
  add(topic: string, member: Member): () => void {
    const known = this.#groups.get(topic)
    const entry = known ?? { group: new PlainGroup(topic, this.#publish), leave: () => undefined }
    this.#groups.set(topic, entry)
    entry.group.add(member)
    if (known === undefined) entry.leave = this.#listen(topic, entry.group)
    return () => {
      entry.group.remove(member)
      if (entry.group.size > 0 || this.#groups.get(topic) !== entry) return
      this.#groups.delete(topic)
      entry.leave()
    }
  }

  #listen(topic: string, group: PlainGroup): () => void {
    const groups = this.#groups
    return this.#hub.subscribe(topic, {
      get size() {
        return group.size
      },
      get dropped() {
        return group.dropped
      },
      deliver: (message) => group.deliver(message),
      ended: () => {
        groups.delete(topic)
        group.ended()
      },
    })
  }
}
