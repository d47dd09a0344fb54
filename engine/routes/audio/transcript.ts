import { deflateSync } from 'node:zlib'
import { textOf } from '../../audio/recognise.ts'
import { toSrt, toVtt } from '../../audio/subtitles.ts'
import { EngineError } from '../../errors.ts'
import type { SpokenSegment } from '../../inference/speech.ts'
import type { TranscriptionRequest } from './transcription-request.ts'

/** What was recognised. */
export interface Transcript {
  readonly segments: readonly SpokenSegment[]
  /** Of the whole audio. */
  readonly seconds: number
}

/** OpenAI counts Whisper's frames of 10 ms. */
const framesPerSecond = 100

/** The transcript in the format that was asked for. Throws `invalid` for word times where the recogniser tells none. */
export function answerTranscript(request: TranscriptionRequest, transcript: Transcript): Response {
  const { segments } = transcript
  switch (request.format) {
    case 'text':
      return textResponse(`${textOf(segments)}\n`, 'text/plain')
    case 'srt':
      return textResponse(toSrt(spoken(segments)), 'application/x-subrip')
    case 'vtt':
      return textResponse(toVtt(spoken(segments)), 'text/vtt')
    case 'verbose_json':
      return Response.json(toVerbose(request, transcript))
    default:
      return Response.json({ text: textOf(segments), usage: usageOf(transcript.seconds) })
  }
}

/** Recognisers bill nothing: what it took is the audio's length. */
export function usageOf(seconds: number): object {
  return { type: 'duration', seconds: round(seconds) }
}

function toVerbose(request: TranscriptionRequest, { segments, seconds }: Transcript): object {
  const { granularities, options } = request
  return {
    task: options.translate ? 'translate' : 'transcribe',
    language: languageOf(options.language, segments),
    duration: round(seconds),
    text: textOf(segments),
    ...(granularities.has('segment') ? { segments: spoken(segments).map(toSegment) } : {}),
    ...(granularities.has('word') ? { words: toWords(segments) } : {}),
    usage: usageOf(seconds),
  }
}

/** In English and lower case, as OpenAI names languages; null where nobody told. */
function languageOf(asked: string | undefined, segments: readonly SpokenSegment[]): string | null {
  const code = segments.find(({ language }) => language !== null)?.language ?? asked
  if (code === undefined || code === null) return null
  return new Intl.DisplayNames(['en'], { type: 'language' }).of(code)?.toLowerCase() ?? code
}

/** What the recogniser does not tell is null. */
function toSegment({ text, start, end }: SpokenSegment, id: number): object {
  return {
    id,
    seek: Math.floor(start * framesPerSecond),
    start: round(start),
    end: round(end),
    text,
    tokens: [],
    temperature: 0,
    avg_logprob: null,
    compression_ratio: compressionRatio(text),
    no_speech_prob: null,
  }
}

/** Whisper's measure of repetition: bytes of the text by bytes of it compressed by zlib. */
function compressionRatio(text: string): number {
  const bytes = Buffer.from(text)
  return round(bytes.length / deflateSync(bytes).length)
}

function toWords(segments: readonly SpokenSegment[]): object[] {
  if (spoken(segments).some(({ words }) => words.length === 0))
    throw new EngineError(
      'invalid',
      'Expected a model that tells when each word was said; this one does not. Leave out timestamp_granularities[]=word, or choose another model',
    )
  return segments.flatMap(({ words }) =>
    words.map(({ text, start, end }) => ({ word: text, start: round(start), end: round(end) })),
  )
}

function spoken(segments: readonly SpokenSegment[]): SpokenSegment[] {
  return segments.filter(({ text }) => text.trim() !== '')
}

function textResponse(text: string, type: string): Response {
  return new Response(text, { headers: { 'content-type': `${type}; charset=utf-8` } })
}

/** Milliseconds. */
function round(value: number): number {
  return Math.round(value * 1000) / 1000
}
