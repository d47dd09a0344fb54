import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { concat, defer, interval, map, mergeMap, type Observable, range, repeat, takeWhile, throwError } from 'rxjs'
import { z } from 'zod'
import { createPacket, type PacketOf } from '../core/packet.ts'
import { EngineError } from '../errors.ts'
import { integerOption } from '../hosts/launch.ts'
import {
  pieceMs,
  type SoundFormat,
  samplesOf,
  soundChannelsOption,
  soundFileLaunch,
  soundRateOption,
} from '../hosts/sound-launch.ts'
import { defineSource, type Tools } from '../tools.ts'

export default defineSource({
  name: 'sound',
  summary: 'A sound file, or the sound of a film, at its own pace or as fast as it can be read.',
  emits: 'audio',
  options: z.strictObject({
    path: z.string().min(1).describe('The file; a relative path starts at the working directory.'),
    pace: z
      .enum(['real', 'max'])
      .default('real')
      .describe(
        'real: as it would be heard. max: as fast as its packets are let go; with edge: { queue: 50, full: block } behind it none is lost.',
      ),
    loop: z.boolean().default(true).describe('Start anew at the end; otherwise silence follows, as from a quiet room.'),
    pauseMs: integerOption('pauseMs', 0, 3_600_000)
      .default(0)
      .describe('Silence before it starts anew, in milliseconds.'),
    rate: soundRateOption,
    channels: soundChannelsOption,
  }),
  open({ path, pace, loop, pauseMs, ...format }, tools) {
    samplesOf(format, pieceMs)
    const file = resolve(path)
    const isPlain = loop && pauseMs === 0
    const whenFull = pace === 'max' ? 'wait' : 'skip'
    const request = { launches: [soundFileLaunch(file, pace, format)], loop: isPlain, whenFull } as const
    const played = defer(() =>
      existsSync(file)
        ? tools.capture.openSound(`${tools.pipeline}/${tools.stream}`, request, tools)
        : throwError(() => new EngineError('not-found', `Expected a sound file at ${file}, found none`)),
    )
    if (isPlain) return played
    const round = concat(played, silence(format, loop ? pauseMs : Number.POSITIVE_INFINITY, tools))
    return loop ? round.pipe(repeat()) : round
  },
})

/** Pieces of silence, each when its time has come; as many as fit the time. */
function silence(
  format: SoundFormat,
  ms: number,
  { clock, edge, stream, nextSeq }: Tools,
): Observable<PacketOf<'audio'>> {
  const samples = new Int16Array(samplesOf(format, pieceMs))
  const payload = { kind: 'audio', samples, sampleRate: format.rate, channels: format.channels } as const
  return defer(() => {
    const startedAt = clock.now()
    let given = 0
    // A busy machine wakes us late, but not less sound is due then.
    const due = () => Math.min(ms / pieceMs, Number(clock.now() - startedAt) / 1e6 / pieceMs) - given
    return interval(pieceMs).pipe(
      takeWhile(() => given < ms / pieceMs),
      mergeMap(() => range(0, Math.max(0, Math.floor(due())))),
      map(() => {
        edge.counts.in++
        edge.counts.out++
        const capturedAt = startedAt + BigInt(given++ * pieceMs) * 1_000_000n
        return createPacket({ stream, source: stream, seq: nextSeq(), capturedAt, payload })
      }),
    )
  })
}
