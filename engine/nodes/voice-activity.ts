import { Observable } from 'rxjs'
import { z } from 'zod'
import { soundEdge, speechOptions, toEndpoints } from '../audio/speech-options.ts'
import { VoiceWatch } from '../audio/voice-watch.ts'
import { consume, emit } from '../core/edge.ts'
import { derivePacket, type EventPayload, type PacketOf } from '../core/packet.ts'
import { stepMs } from '../inference/endpointer.ts'
import { defineNode } from '../tools.ts'

export default defineNode({
  name: 'voice-activity',
  summary: 'Events when somebody begins to speak and has ended, by an energy gate and Silero.',
  accepts: 'audio',
  emits: 'event',
  edge: soundEdge,
  options: z.strictObject(speechOptions),
  create: (options, tools) => (sound) =>
    new Observable<PacketOf<'event'>>((subscriber) => {
      const opening = tools.speech.detector.open().then((detection) => new VoiceWatch(detection, toEndpoints(options)))
      // Each packet hears of a failure.
      opening.catch(() => undefined)
      let startedAt = 0
      const hear = async (packet: PacketOf<'audio'>) => {
        const watch = await opening
        const steps = await watch.hear(packet.payload)
        const endAt = tools.clock.toUnixMs(packet.capturedAt)
        for (const [i, { change }] of steps.entries()) {
          const stepAt = endAt - (steps.length - 1 - i) * stepMs
          const lastMs = Math.ceil((change === 'start' ? options.speechMs : options.silenceMs) / stepMs) * stepMs
          const at = Math.round(stepAt - lastMs)
          if (change === 'start') startedAt = at
          if (change !== undefined) emit(subscriber, derivePacket(packet, tools.stream, toEvent(change, at, startedAt)))
        }
      }
      subscriber.add(sound.pipe(consume(tools.edge, hear)).subscribe(subscriber))
      return () => void opening.then((watch) => watch[Symbol.asyncDispose]()).catch(() => undefined)
    }),
})

/** `at`: when it really happened, in Unix milliseconds; the event comes later, when it is sure. */
function toEvent(change: 'start' | 'end', at: number, startedAt: number): EventPayload {
  if (change === 'start') return { kind: 'event', name: 'speech-started', at }
  return { kind: 'event', name: 'speech-stopped', at, seconds: Math.max(0, Math.round(at - startedAt) / 1000) }
}
