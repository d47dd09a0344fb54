import { serve } from './channel.ts'
import { enterHost } from './enter.ts'
import { listEspeakVoices, pronounceByEspeak, speakByEspeak } from './espeak-program.ts'
import { SpeechModels } from './speech-models.ts'
import type { SpeechProtocol } from './speech-protocol.ts'

// What runs in the speech host. Its main thread only answers: networks run in worker threads, the rest in programs, which end with it.
enterHost()
const models = new SpeechModels()

serve<SpeechProtocol>({
  calls: {
    load: (params, signal) => models.load(params, signal),
    unload: ({ model }) => models.unload(model),
    detect: (params, signal) => models.detect(params, signal),
    recognise: (params, signal) => models.recognise(params, signal),
    espeakVoices: async (_, signal) => ({ voices: await listEspeakVoices(signal) }),
    pronounce: async (params, signal) => ({ phonemes: await pronounceByEspeak(params, signal) }),
    synthesise: async (params, signal) => ({ samples: await models.synthesise(params, signal) }),
  },
  streams: { speak: speakByEspeak },
})
