import { Observable, type ObservedValueOf, type Subscriber } from 'rxjs'
import { z } from 'zod'
import { emit } from '../core/edge.ts'
import { createPacket, type PacketOf, type PooledImage } from '../core/packet.ts'
import { EngineError, messageOf } from '../errors.ts'
import { defineSource, type Tools } from '../tools.ts'

type BrowserFrame = ObservedValueOf<ReturnType<Tools['browser']['open']>>

const options = z.strictObject({
  /** What pages publish it by; the stream's name when left out. */
  name: z.string().min(1).max(128).optional(),
})

/** JPEG frames that a web page sends over its WebSocket, decoded into slots one after the other; at most 2 wait (the page's window). */
export default defineSource({
  name: 'browser',
  summary: "Frames that a web page sends, such as those of a phone's camera.",
  options,
  emits: 'image',
  mayBeSilent: true,
  open: ({ name }, tools) => {
    const frames = tools.browser.open(name ?? tools.stream)
    return new Observable<PacketOf<'image'>>((subscriber) => {
      const closing = new AbortController()
      let last = Promise.resolve()
      const subscription = frames.subscribe({
        next: (frame) => {
          tools.edge.counts.in++
          tools.edge.counts.waiting++
          last = last.then(() => takeOver(frame, tools, closing.signal, subscriber))
        },
        error: (error: unknown) => subscriber.error(error),
      })
      return () => {
        closing.abort(new EngineError('cancelled', `Stream ${tools.stream} was closed`))
        subscription.unsubscribe()
      }
    })
  },
})

/** Decodes the frame, hands it on and acknowledges it. One that cannot be decoded is counted; the stream goes on. */
async function takeOver(
  frame: BrowserFrame,
  tools: Tools,
  signal: AbortSignal,
  subscriber: Subscriber<PacketOf<'image'>>,
): Promise<void> {
  const image = await decode(frame, tools, signal)
  const { counts } = tools.edge
  counts.waiting--
  frame.done()
  if (image === undefined || signal.aborted) {
    image?.release()
    counts[signal.aborted ? 'dropped' : 'failed']++
    return
  }
  counts.out++
  const { stream } = tools
  const payload = { kind: 'image', image } as const
  const { capturedAt } = frame
  emit(subscriber, createPacket({ stream, source: stream, seq: tools.nextSeq(), capturedAt, payload }))
}

async function decode(frame: BrowserFrame, tools: Tools, signal: AbortSignal): Promise<PooledImage | undefined> {
  if (signal.aborted) return undefined
  try {
    return (await tools.vision.decodePicture(frame.bytes, signal)).image
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    tools.edge.lastError = error
    tools.log.debug({ reason: messageOf(error) }, 'frame not decoded')
    return undefined
  }
}
