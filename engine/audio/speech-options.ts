import { z } from 'zod'
import { type EndpointerOptions, endpointDefaults } from '../inference/endpointer.ts'

/** Silero's own distance: probabilities waver within a word. */
const hysteresis = endpointDefaults.onAt - endpointDefaults.offBelow

/** Options of a plug-in that finds beginnings and ends of speech. */
export const speechOptions = {
  threshold: z
    .number()
    .min(0.05)
    .max(0.95)
    .default(endpointDefaults.onAt)
    .describe(
      'Probability, by Silero, at which speech begins; it ends 0.15 below. Higher hears less of what is far away.',
    ),
  speechMs: z
    .number()
    .min(0)
    .max(2000)
    .default(endpointDefaults.speechMs)
    .describe('Shorter is a click or a cough, and no beginning. Milliseconds.'),
  silenceMs: z
    .number()
    .min(64)
    .max(10_000)
    .default(endpointDefaults.silenceMs)
    .describe('Silence that ends speech: people pause so long between two thoughts. Milliseconds.'),
}

/** What these options say. */
export interface SpeechOptions {
  readonly threshold: number
  readonly speechMs: number
  readonly silenceMs: number
}

/** For an endpointer. */
export function toEndpoints({ threshold, speechMs, silenceMs }: SpeechOptions): EndpointerOptions {
  return { onAt: threshold, offBelow: Math.max(0.01, threshold - hysteresis), silenceMs, speechMs }
}

/** What may wait before a node that hears: a second or two of the machine being busy, in pieces of 20 ms. A gap in sound is heard, so more than one. */
export const soundEdge = { queue: 250, full: 'oldest' } as const
