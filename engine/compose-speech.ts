import type { ComposedLanguage } from './compose-language.ts'
import { inferenceThreads } from './config.ts'
import type { Catalogue } from './inference/catalogue.ts'
import type { HailoRecogniserOptions } from './inference/hailo-recogniser.ts'
import type { ModelStore } from './inference/model-store.ts'
import type { Residency } from './inference/residency.ts'
import { SpeechEngine } from './inference/speech-engine.ts'
import { UtteranceStream } from './inference/utterance-stream.ts'
import type { ModelsSurroundings } from './models-surroundings.ts'
import { reportHostStart } from './problems.ts'

/** What speech is built with. */
export interface SpeechParts {
  readonly around: ModelsSurroundings
  readonly catalogue: Catalogue
  readonly store: ModelStore
  readonly residency: Residency
  readonly hailoRecogniser: ComposedLanguage['hailoRecogniser']
  /** Whether the device can be asked now. */
  readonly hasHailo: () => boolean
}

/** Builds recognition, synthesis and voice activity: by the device's recogniser first, where there is a device with its model. */
export function composeSpeech(parts: SpeechParts): SpeechEngine {
  const { around, catalogue, store, residency, hasHailo } = parts
  const { config, pool, closing, problems } = around
  const log = around.log.child({ part: 'speech' })
  const openStream: HailoRecogniserOptions['openStream'] = async (recogniser, options) => {
    const detection = await speech.detector.open()
    const transcribe = (samples: Float32Array, signal: AbortSignal) => recogniser.transcribe(samples, options, signal)
    return new UtteranceStream({ detection, transcribe, isTurn: options.isTurn })
  }
  const hailo = parts.hailoRecogniser(openStream)
  const others = async () => (hailo && hasHailo() && 'paths' in (await hailo.look()) ? [hailo] : [])
  const places = { stateFolder: config.state, paths: config.models.paths }
  const options = { ...places, pool, catalogue, store, residency, log, others, threads: inferenceThreads(config) }
  const speech = closing.use('speech', new SpeechEngine({ ...options, onHostStart: reportHostStart(problems) }))
  return speech
}
