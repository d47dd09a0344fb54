import { EngineError } from '../errors.ts'
import type { EncodedMessage } from './encode.ts'
import type { Hub } from './hub.ts'
import type { ResultMessage } from './wire.ts'

/** What was asked once is asked again soon: a topic stays open for so long after the last question. */
const lingerMs = 30_000
const binaryKinds = ['image', 'map', 'audio']

interface Watch {
  readonly leave: () => void
  readonly waiting: Set<Waiter>
  timer: NodeJS.Timeout | undefined
}

interface Waiter {
  resolve(message: EncodedMessage): void
  reject(error: EngineError): void
}

/** Reads the newest result of topics for whoever asks now and then. Disposing it leaves them all. */
export class TopicReader implements Disposable {
  readonly #hub: Hub
  readonly #watches = new Map<string, Watch>()
  #isClosed = false

  constructor(hub: Hub) {
    this.#hub = hub
  }

  /**
   * The newest message; where there is none, the topic is opened and waited for up to `waitMs`. Throws `not-found`, `invalid` for a topic of
   * pictures, maps or sound, `unavailable` when nothing came in time, `cancelled`, `closed`.
   */
  async newest(topic: string, waitMs: number, signal: AbortSignal): Promise<ResultMessage> {
    const kind = this.#hub.kindOf(topic)
    if (binaryKinds.includes(kind))
      throw new EngineError('invalid', `Expected a topic of results, but ${topic} is of ${kind}`)
    const watch = this.#watch(topic)
    const { body } = this.#hub.latest(topic) ?? (await wait(watch, { topic, waitMs, signal }))
    return JSON.parse(Buffer.from(body).toString('utf8')) as ResultMessage
  }

  [Symbol.dispose](): void {
    this.#isClosed = true
    for (const topic of [...this.#watches.keys()]) this.#forget(topic, 'The engine is closing')
  }

  #watch(topic: string): Watch {
    if (this.#isClosed) throw new EngineError('closed', 'The topics are closed')
    const watch = this.#watches.get(topic) ?? this.#open(topic)
    clearTimeout(watch.timer)
    watch.timer = setTimeout(() => this.#forget(topic, 'Nobody asks any more'), lingerMs)
    return watch
  }

  #open(topic: string): Watch {
    const waiting = new Set<Waiter>()
    const deliver = (message: EncodedMessage) => {
      for (const waiter of [...waiting]) waiter.resolve(message)
    }
    const ended = () => this.#forget(topic, `The topic ${topic} has ended`)
    const watch = { leave: this.#hub.subscribe(topic, { size: 1, deliver, ended }), waiting, timer: undefined }
    this.#watches.set(topic, watch)
    return watch
  }

  #forget(topic: string, why: string): void {
    const watch = this.#watches.get(topic)
    if (!watch) return
    this.#watches.delete(topic)
    clearTimeout(watch.timer)
    watch.leave()
    for (const waiter of [...watch.waiting]) waiter.reject(new EngineError('closed', why))
  }
}

interface Waiting {
  readonly topic: string
  readonly waitMs: number
  readonly signal: AbortSignal
}

function wait({ waiting }: Watch, { topic, waitMs, signal }: Waiting): Promise<EncodedMessage> {
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void) => {
      clearTimeout(deadline)
      signal.removeEventListener('abort', onAbort)
      waiting.delete(waiter)
      finish()
    }
    const waiter: Waiter = {
      resolve: (message) => settle(() => resolve(message)),
      reject: (error) => settle(() => reject(error)),
    }
    const late = new EngineError('unavailable', `${topic} told nothing within ${waitMs / 1000} s`)
    const deadline = setTimeout(() => waiter.reject(late), waitMs)
    const onAbort = () => waiter.reject(new EngineError('cancelled', 'The caller gave up'))
    signal.addEventListener('abort', onAbort, { once: true })
    waiting.add(waiter)
    if (signal.aborted) onAbort()
  })
}
