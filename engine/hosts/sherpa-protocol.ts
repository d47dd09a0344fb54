import { z } from 'zod'

/**
 * What passes between the speech host and the sherpa-onnx program, one JSON object a line. The program is one of its own since the
 * library contains espeak-ng, which is GPL. It ends when its standard input does.
 */
const modelSchema = z.strictObject({
  kind: z.enum(['whisper', 'moonshine', 'transducer']),
  /** Paths by role, as `encoder`. */
  files: z.record(z.string(), z.string()),
})

/** From the host to the program. */
export const sherpaRequest = z.discriminatedUnion('type', [
  /** Once, first. `threads`: at least 1. */
  z.strictObject({ type: z.literal('load'), model: modelSchema, threads: z.number().int().min(1) }),
  /** `samples`: base64 of 16 kHz mono, signed 16 bit little endian. */
  z.strictObject({
    type: z.literal('recognise'),
    id: z.number().int(),
    samples: z.string(),
    language: z.string().nullable(),
    translate: z.boolean(),
  }),
])
export type SherpaRequest = z.output<typeof sherpaRequest>

/** From the program to the host. `error` without an id concerns the program: it ends. */
export const sherpaAnswer = z.discriminatedUnion('type', [
  z.object({ type: z.literal('loaded') }),
  z.object({
    type: z.literal('result'),
    id: z.number().int(),
    text: z.string(),
    words: z.array(z.object({ text: z.string(), start: z.number(), end: z.number() })),
    language: z.string().nullable(),
  }),
  z.object({
    type: z.literal('error'),
    id: z.number().int().optional(),
    code: z.enum(['unavailable', 'invalid', 'not-found', 'internal']),
    message: z.string(),
  }),
])
export type SherpaAnswer = z.output<typeof sherpaAnswer>
