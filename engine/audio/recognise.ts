import { EngineError } from '../errors.ts'
import type { Recogniser, RecogniserOptions, SpokenSegment } from '../inference/speech.ts'
import type { DecodedAudio } from './audio-decoder.ts'

/** For the whole of an audio, which may be an hour. */
const deadlineMs = 3_600_000

/**
 * Segments of decoded audio as they are found; releases the audio at its end, however that comes. Call `next` at least once. Throws
 * what the recogniser throws, `timeout`, or the signal's reason.
 */
export async function* recognise(
  recogniser: Recogniser,
  audio: DecodedAudio,
  options: RecogniserOptions,
  signal: AbortSignal,
): AsyncGenerator<SpokenSegment, void, void> {
  const late = AbortSignal.timeout(deadlineMs)
  const expectInTime = () => {
    signal.throwIfAborted()
    if (late.aborted)
      throw new EngineError('timeout', `Expected the audio to be recognised within ${deadlineMs / 1000} s`)
  }
  try {
    for await (const segment of recogniser.transcribe(audio.samples, options, AbortSignal.any([signal, late]))) {
      expectInTime()
      yield segment
    }
    expectInTime()
  } catch (error) {
    expectInTime()
    throw error
  } finally {
    audio.release()
  }
}

/** All segments. */
export async function recogniseAll(
  recogniser: Recogniser,
  audio: DecodedAudio,
  options: RecogniserOptions,
  signal: AbortSignal,
): Promise<SpokenSegment[]> {
  const segments: SpokenSegment[] = []
  for await (const segment of recognise(recogniser, audio, options, signal)) segments.push(segment)
  return segments
}

/** What was said, as one line. */
export function textOf(segments: readonly SpokenSegment[]): string {
  return segments
    .map(({ text }) => text.trim())
    .filter((text) => text !== '')
    .join(' ')
}
