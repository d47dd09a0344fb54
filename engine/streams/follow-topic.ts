import type { EncodedMessage } from './encode.ts'
import type { Hub } from './hub.ts'

/** A reader that gets nothing for so long is told that we are still here, so that proxies keep the connection. */
const keepaliveMs = 10_000

/** How a topic becomes a body. */
export interface Following {
  /** Messages that may wait for a slow reader; then the oldest goes. */
  readonly waiting: number
  /** Sent first. */
  readonly opening: Uint8Array
  encode(message: EncodedMessage): Uint8Array
  /** Sent when nothing came for a while; undefined sends nothing. */
  keepalive(last: EncodedMessage | undefined): Uint8Array | undefined
}

/** A topic as a body that never ends: listens until the reader cancels it or the topic ends. Throws `not-found`. */
export function followTopic(hub: Hub, topic: string, following: Following): ReadableStream<Uint8Array> {
  const waiting: EncodedMessage[] = []
  let last: EncodedMessage | undefined
  let dropped = 0
  let ended = false
  let wake: () => void = () => undefined
  const leave = hub.subscribe(topic, {
    size: 1,
    get dropped() {
      return dropped
    },
    deliver: (message) => {
      if (waiting.length >= following.waiting) {
        waiting.shift()
        dropped++
      }
      waiting.push(message)
      wake()
    },
    ended: () => {
      ended = true
      wake()
    },
  })
  const news = () => waitFor((done) => (wake = done))
  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => controller.enqueue(following.opening),
      pull: async (controller) => {
        for (;;) {
          const message = waiting.shift()
          if (message !== undefined) {
            last = message
            controller.enqueue(following.encode(message))
            return
          }
          if (ended) {
            controller.close()
            return
          }
          const came = await news()
          const sign = came ? undefined : following.keepalive(last)
          if (sign !== undefined) {
            controller.enqueue(sign)
            return
          }
        }
      },
      cancel: () => {
        ended = true
        leave()
        wake()
      },
    },
    { highWaterMark: 0 },
  )
}

/** True when `done` was called, false when nothing happened for the time of a keepalive. */
function waitFor(arm: (done: () => void) => void): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), keepaliveMs)
    arm(() => {
      clearTimeout(timer)
      resolve(true)
    })
  })
}
