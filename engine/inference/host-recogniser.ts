import type { HeardWindow } from '../hosts/speech-protocol.ts'
import type { Use } from './residency-options.ts'
import type { RecogniserOptions, VoiceDetector } from './speech.ts'
import type { SpeechHost, SpeechModel } from './speech-host.ts'
import { toInt16, WindowedRecogniser, type WindowedRecogniserOptions } from './windowed-recogniser.ts'

/** The program has a deadline of its own for each window, and many may wait before this one: only a host that is broken takes so long. */
const deadlineMs = 60 * 60_000
const use: Use = { priority: 'interactive', user: 'recognition' }

/** A recogniser that runs in the speech host. */
export interface HostRecogniserOptions
  extends Pick<WindowedRecogniserOptions, 'languages' | 'translates' | 'accuracy'> {
  readonly host: SpeechHost
  readonly model: SpeechModel
  readonly detector: VoiceDetector
}

/** The recogniser of a model in the speech host; it is loaded by the first window, and kept as the residency says. */
export function createHostRecogniser(options: HostRecogniserOptions): WindowedRecogniser {
  const { host, model, ...traits } = options
  const { name, backend } = model
  const recognise = async (
    samples: Float32Array,
    { language, translate }: RecogniserOptions,
    signal: AbortSignal,
  ): Promise<HeardWindow> => {
    const lease = await host.lease(model, use, signal)
    try {
      const params = {
        model: name,
        samples: toInt16(samples),
        language: language ?? null,
        translate: translate ?? false,
      }
      return await host.ask('recognise', params, { signal, deadlineMs })
    } finally {
      lease[Symbol.dispose]()
    }
  }
  const warm = async (signal: AbortSignal) => (await host.lease(model, use, signal))[Symbol.dispose]()
  return new WindowedRecogniser({ ...traits, name, backend, simulated: false, recognise, warm })
}
