import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * An ALSA card without a driver, for hosts that start from now on: the device `microphone` records a file, `speaker` plays into one. ALSA's own library
 * makes them of its plug-ins `file` and `null`; neither keeps time, so a recording comes as fast as it is asked for.
 */
export function soundCardOf(folder: string) {
  const [recorded, played] = [join(folder, 'recorded.raw'), join(folder, 'played.raw')]
  const before = process.env.ALSA_CONFIG_PATH
  return {
    /** What was played so far: 16 bit, in the format that the player chose. */
    played,
    /** `samples`: what the microphone hears, mono at 16 kHz; silence follows. */
    plugIn: (samples: Int16Array) => {
      const config = join(folder, 'asoundrc')
      const file = (name: string, more: string) => `pcm.${name} { type file slave.pcm null format raw ${more} }`
      writeFileSync(recorded, new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength))
      const devices = [file('microphone', `file /dev/null infile "${recorded}"`), file('speaker', `file "${played}"`)]
      writeFileSync(config, ['</usr/share/alsa/alsa.conf>', ...devices, ''].join('\n'))
      process.env.ALSA_CONFIG_PATH = config
    },
    unplug: () => {
      if (before === undefined) delete process.env.ALSA_CONFIG_PATH
      else process.env.ALSA_CONFIG_PATH = before
    },
  }
}
