import type { Recogniser, RecogniserOptions, SpokenSegment } from '../inference/speech.ts'
import type { DecodedAudio } from './audio-decoder.ts'

/** Segments of decoded audio as they are found; releases the audio at its end, however that comes. Call `next` at least once. */
export async function* recognise(
  recogniser: Recogniser,
  audio: DecodedAudio,
  options: RecogniserOptions,
  signal: AbortSignal,
): AsyncGenerator<SpokenSegment, void, void> {
  try {
    for await (const segment of recogniser.transcribe(audio.samples, options, signal)) {
      signal.throwIfAborted()
      yield segment
    }
    signal.throwIfAborted()
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
