import { EngineError } from '../errors.ts'
import type { HeardWindow, HeardWord } from '../hosts/speech-protocol.ts'
import { type SpokenSegment, type SpokenWord, speechRate, type VoiceDetector, voiceStep } from './speech.ts'
import { type StepSpan, type StepWindow, WindowCutter, type WindowOptions } from './window-cutter.ts'

/** Steps that the detector is asked about at once. */
const stepsAtOnce = 64
const stepSeconds = voiceStep / speechRate

/** A stretch of speech: seconds from the first sample of the audio. */
export interface SpeechSpan {
  readonly start: number
  readonly end: number
}

/** Samples that are recognised at once, at most as long as was asked for, and when something is said in them. */
export interface SpeechWindow {
  /** Seconds from the first sample of the audio. */
  readonly start: number
  /** A view of the audio. */
  readonly samples: Float32Array
  readonly speech: readonly SpeechSpan[]
}

/** What of the audio is speech, in windows of at most 10 s that are cut at silences; silence yields nothing. The samples are borrowed. */
export async function* speechWindows(
  samples: Float32Array,
  detector: Pick<VoiceDetector, 'open'>,
  signal: AbortSignal,
  options: Partial<WindowOptions> = {},
): AsyncGenerator<SpeechWindow, void, undefined> {
  const detection = await detector.open()
  try {
    const cutter = new WindowCutter(options)
    const steps = Math.ceil(samples.length / voiceStep)
    for (let first = 0; first < steps; first += stepsAtOnce) {
      if (signal.aborted) throw new EngineError('cancelled', 'The caller gave up')
      const count = Math.min(stepsAtOnce, steps - first)
      const asked = Array.from({ length: count }, (_, i) => detection.next(stepOf(samples, first + i)))
      for (const probability of await Promise.all(asked)) {
        const window = cutter.push(probability)
        if (window) yield toWindow(window, samples)
      }
    }
    const last = cutter.finish()
    if (last) yield toWindow(last, samples)
  } finally {
    await detection[Symbol.asyncDispose]()
  }
}

/** What was heard in a window as segments: one per stretch of speech where the words have times, else one for all. */
export function toSegments(window: SpeechWindow, heard: HeardWindow): SpokenSegment[] {
  const { language } = heard
  const [first] = window.speech
  if (heard.text.trim() === '' || !first) return []
  if (heard.words.length === 0) {
    const end = window.speech.at(-1)?.end ?? first.end
    return [{ text: heard.text.trim(), start: first.start, end, words: [], language }]
  }
  const words = heard.words.map((word) => shift(word, window.start))
  return window.speech.flatMap((span) => {
    const said = words.filter((word) => nearestSpan(word, window.speech) === span)
    const text = said.map((word) => word.text).join(' ')
    return said.length === 0 ? [] : [{ text, start: span.start, end: span.end, words: said, language }]
  })
}

function shift({ text, start, end, confidence }: HeardWord, by: number): SpokenWord {
  return { text, start: round(start + by), end: round(end + by), ...(confidence !== undefined && { confidence }) }
}

function nearestSpan(word: SpokenWord, spans: readonly SpeechSpan[]): SpeechSpan | undefined {
  const middle = (word.start + word.end) / 2
  const distance = ({ start, end }: SpeechSpan) => Math.max(start - middle, middle - end, 0)
  return spans.reduce((best, span) => (distance(span) < distance(best) ? span : best))
}

/** One step; the last one is filled up with silence. */
function stepOf(samples: Float32Array, index: number): Float32Array {
  const step = samples.subarray(index * voiceStep, (index + 1) * voiceStep)
  if (step.length === voiceStep) return step
  const filled = new Float32Array(voiceStep)
  filled.set(step)
  return filled
}

function toWindow({ from, to, speech }: StepWindow, samples: Float32Array): SpeechWindow {
  const seconds = (span: StepSpan) => ({ start: toSeconds(span.from), end: toSeconds(span.to) })
  const start = toSeconds(from)
  return { start, samples: samples.subarray(from * voiceStep, to * voiceStep), speech: speech.map(seconds) }
}

function toSeconds(step: number): number {
  return round(step * stepSeconds)
}

function round(seconds: number): number {
  return Math.round(1000 * seconds) / 1000
}
