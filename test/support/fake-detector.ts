import { type VoiceDetection, type VoiceDetector, voiceStep } from '../../engine/inference/speech.ts'

export interface FakeDetector extends VoiceDetector {
  /** Detections that are open now. */
  readonly opened: number
}

/** A voice detector that takes everything loud for speech. */
export function fakeDetector(): FakeDetector {
  let opened = 0
  const open = async (): Promise<VoiceDetection> => {
    opened++
    return {
      next: async (samples) => {
        if (samples.length !== voiceStep) throw new Error(`Expected ${voiceStep} samples, received ${samples.length}`)
        return samples.some((value) => Math.abs(value) > 0.1) ? 0.9 : 0.1
      },
      reset: () => undefined,
      [Symbol.asyncDispose]: async () => void opened--,
    }
  }
  return {
    name: 'loudness',
    open,
    get opened() {
      return opened
    },
  }
}
