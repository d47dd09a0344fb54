import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { EngineError, messageOf } from '../errors.ts'

const begin = '^'
const end = '$'
const pad = '_'
/** What Piper hears as a pause between two words. */
const space = ' '
/** Marks that Piper's voices know as they are; a space follows those within a sentence. */
const spokenMarks = /[.,:;?!]/

/** The part of a voice's `.onnx.json` that is used; Piper's own names. */
const settingsSchema = z.object({
  audio: z.object({ sample_rate: z.number().int().min(8000).max(48_000) }),
  espeak: z.object({ voice: z.string().min(1) }).optional(),
  phoneme_type: z.enum(['espeak', 'text']).default('espeak'),
  inference: z.object({
    noise_scale: z.number(),
    length_scale: z.number().positive(),
    noise_w: z.number(),
  }),
  phoneme_map: z.record(z.string(), z.array(z.string())).default({}),
  phoneme_id_map: z.record(z.string(), z.array(z.number().int())),
  num_speakers: z.number().int().min(1).default(1),
  speaker_id_map: z.record(z.string(), z.number().int()).default({}),
  language: z.object({ code: z.string() }).optional(),
})

/** What a Piper voice is, from the file beside its network. */
export type PiperSettings = Readonly<z.output<typeof settingsSchema>>

/** Reads and checks the file. Throws `invalid`, naming it. */
export async function readPiperSettings(path: string): Promise<PiperSettings> {
  try {
    return settingsSchema.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch (error) {
    const message = error instanceof z.ZodError ? z.prettifyError(error) : messageOf(error)
    throw new EngineError('invalid', `Expected the settings of a Piper voice in ${path}: ${message}`, { cause: error })
  }
}

/** A part of a sentence, without marks, and the mark after it; empty at a sentence's end without one. */
export interface SpokenPart {
  readonly text: string
  readonly mark: string
}

/** A sentence in the parts that are pronounced each on its own: espeak-ng says nothing of marks, and Piper's voices pause at them. */
export function toParts(sentence: string): SpokenPart[] {
  const parts: SpokenPart[] = []
  let at = 0
  for (const match of sentence.matchAll(/([.,:;?!…])+["'”’»)\]]*(?=\s|$)/g)) {
    const mark = match[0].replace('…', '.').match(spokenMarks)?.[0] ?? ''
    parts.push({ text: sentence.slice(at, match.index).trim(), mark })
    at = match.index + match[0].length
  }
  parts.push({ text: sentence.slice(at).trim(), mark: '' })
  return parts.filter(({ text }) => text !== '')
}

/**
 * The ids that a voice's network takes, as Piper makes them: beginning, then each phoneme with a pad after it, then the end. A phoneme is one
 * code point of the decomposed IPA; those that the voice lacks are left out.
 */
export function toPhonemeIds(
  parts: readonly { readonly phonemes: string; readonly mark: string }[],
  settings: Pick<PiperSettings, 'phoneme_id_map' | 'phoneme_map'>,
): number[] {
  const idsOf = (phoneme: string) => settings.phoneme_id_map[phoneme] ?? []
  const pads = idsOf(pad)
  const text = parts.map(({ phonemes, mark }, i) => phonemes + mark + (i < parts.length - 1 ? space : '')).join('')
  const phonemes = [...text.normalize('NFD')].flatMap((phoneme) => settings.phoneme_map[phoneme] ?? [phoneme])
  const known = phonemes.filter((phoneme) => settings.phoneme_id_map[phoneme] !== undefined)
  const body = known.flatMap((phoneme) => [...idsOf(phoneme), ...pads])
  return [...idsOf(begin), ...pads, ...body, ...idsOf(end)]
}
