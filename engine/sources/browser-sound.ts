import { Observable, type ObservedValueOf } from 'rxjs'
import { z } from 'zod'
import { emit } from '../core/edge.ts'
import { createPacket, type PacketOf } from '../core/packet.ts'
import { EngineError } from '../errors.ts'
import { defineSource, type Tools } from '../tools.ts'

type BrowserFrame = ObservedValueOf<ReturnType<Tools['browser']['open']>>

/** A page sends what its microphone heard since it last might: more than a few seconds of it is old. */
const longestSeconds = 10

export default defineSource({
  name: 'browser-sound',
  summary: "Sound that a web page sends, such as that of a phone's microphone.",
  emits: 'audio',
  mayBeSilent: true,
  options: z.strictObject({
    name: z.string().min(1).max(128).optional().describe('What pages publish it by; the stream’s name when left out.'),
  }),
  open({ name }, tools) {
    const frames = tools.browser.open(name ?? tools.stream, 'audio/pcm')
    return new Observable<PacketOf<'audio'>>((subscriber) =>
      frames.subscribe((frame) => {
        const packet = takeOver(frame, tools)
        frame.done()
        if (packet) emit(subscriber, packet)
      }),
    )
  },
})

/** A piece that is none is counted as failed; the stream goes on. */
function takeOver(frame: BrowserFrame, tools: Tools): PacketOf<'audio'> | undefined {
  const { bytes, sampleRate = 0, channels = 0, capturedAt } = frame
  const { edge, stream } = tools
  edge.counts.in++
  const frameBytes = Int16Array.BYTES_PER_ELEMENT * channels
  const refusal = findFault(bytes.length, frameBytes, sampleRate)
  if (refusal) {
    edge.counts.failed++
    edge.lastError = refusal
    return undefined
  }
  edge.counts.out++
  const samples = new Int16Array(bytes.slice().buffer)
  const payload = { kind: 'audio', samples, sampleRate, channels } as const
  return createPacket({ stream, source: stream, seq: tools.nextSeq(), capturedAt, payload })
}

function findFault(length: number, frameBytes: number, sampleRate: number): EngineError | undefined {
  if (length === 0 || length % frameBytes !== 0)
    return new EngineError('invalid', `Expected whole samples of ${frameBytes} bytes, received ${length} bytes`)
  if (length > longestSeconds * sampleRate * frameBytes)
    return new EngineError('too-large', `Expected at most ${longestSeconds} s of sound in a message, received more`)
  return undefined
}
