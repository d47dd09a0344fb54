import { z } from 'zod'
import {
  deviceOption,
  microphoneLaunches,
  pieceMs,
  samplesOf,
  soundChannelsOption,
  soundRateOption,
} from '../hosts/sound-launch.ts'
import { defineSource } from '../tools.ts'

export default defineSource({
  name: 'microphone',
  summary: 'A microphone of this machine, through ALSA, PulseAudio or PipeWire.',
  emits: 'audio',
  options: z.strictObject({
    device: deviceOption,
    rate: soundRateOption,
    channels: soundChannelsOption,
  }),
  open({ device, ...format }, tools) {
    samplesOf(format, pieceMs)
    const request = { launches: microphoneLaunches(device, format), loop: false, whenFull: 'skip' } as const
    return tools.capture.openSound(`${tools.pipeline}/${tools.stream}`, request, tools)
  },
})
