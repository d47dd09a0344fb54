import { Observable } from 'rxjs'
import { z } from 'zod'
import { SoundFit } from '../audio/sound-fit.ts'
import { consume } from '../core/edge.ts'
import type { PacketOf } from '../core/packet.ts'
import { deviceOption, pieceMs, samplesOf, soundChannelsOption, soundRateOption } from '../hosts/sound-launch.ts'
import { defineSink } from '../tools.ts'

/** What the usual voices have: their sound is played as it is. */
const usualRate = 22_050

export default defineSink({
  name: 'speaker',
  summary: 'A loudspeaker of this machine, through ALSA, PulseAudio or PipeWire.',
  accepts: 'audio',
  /** Sound that comes in bursts waits in the playback host. */
  edge: { queue: 64, full: 'oldest' },
  options: z.strictObject({
    device: deviceOption,
    rate: soundRateOption
      .default(usualRate)
      .describe('Samples a second that the device is opened with; other sound is fitted to it.'),
    channels: soundChannelsOption.describe('Channels that the device is opened with.'),
  }),
  create({ device, rate, channels }, tools) {
    samplesOf({ rate, channels }, pieceMs)
    return (packets) =>
      new Observable<never>((subscriber) => {
        const playing = tools.playback.open(`${tools.pipeline}/${tools.stream}`, { device, rate, channels }, tools.log)
        const leaves = tools.from.map((stream) => tools.playbacks.add(`${tools.pipeline}/${stream}`, playing))
        const fit = new SoundFit({ sampleRate: rate, channels })
        const play = consume<PacketOf<'audio'>>(tools.edge, ({ payload }) => playing.play(fit.push(payload)))
        playing.ended.catch((error: unknown) => subscriber.error(error))
        subscriber.add(packets.pipe(play).subscribe(subscriber))
        return () => {
          for (const leave of leaves) leave()
          void playing[Symbol.asyncDispose]()
        }
      })
  },
})
