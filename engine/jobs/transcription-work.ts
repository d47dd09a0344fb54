import type { AudioDecoder } from '../audio/audio-decoder.ts'
import { recognise, textOf } from '../audio/recognise.ts'
import { withUnnamedFile } from '../audio/unnamed-file.ts'
import { EngineError } from '../errors.ts'
import type { RecogniserOptions, Speech, SpokenSegment } from '../inference/speech.ts'
import type { JobTask, JobWorker } from './job-worker.ts'

/** Options of a transcription job, checked by the route. */
export interface TranscriptionJob {
  readonly model?: string
  readonly options: RecogniserOptions
}

/** What comes of audio. Seconds. */
export interface TranscriptionResult {
  readonly text: string
  readonly language: string | null
  readonly duration: number
  readonly segments: readonly Pick<SpokenSegment, 'text' | 'start' | 'end'>[]
}

/** Works on audio; `folder` is for the bytes while they are decoded. */
export function transcriptionWork(speech: Speech, decoder: AudioDecoder, folder: string): JobWorker {
  return async ({ request, input, report }: JobTask, signal): Promise<TranscriptionResult> => {
    if (!('bytes' in input)) throw new EngineError('invalid', 'Expected audio in a job of a recogniser')
    const { model, options } = request as unknown as TranscriptionJob
    const recogniser = await speech.recogniser(model)
    const audio = await withUnnamedFile(folder, input.bytes, (fd) => decoder.decode(fd, signal))
    const heard: SpokenSegment[] = []
    for await (const segment of recognise(recogniser, audio, options, signal)) {
      heard.push(segment)
      report({ seconds: segment.end })
    }
    return {
      text: textOf(heard),
      language: heard.find(({ language }) => language !== null)?.language ?? options.language ?? null,
      duration: Math.round(audio.seconds * 1000) / 1000,
      segments: heard.map(({ text, start, end }) => ({ text, start, end })),
    }
  }
}
