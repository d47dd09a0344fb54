import { z } from 'zod'
import type { LanguageModelStatus, Sampling } from '../../inference/language.ts'
import { toSampling } from '../../inference/sampling.ts'
import { WrongField } from '../body.ts'

const whole = z.number().int()

/** Chosen by the engine, which shares the machine among all its models: they change how fast an answer comes, never what it says. */
export const runtimeOptions = [
  'num_batch',
  'num_gpu',
  'main_gpu',
  'num_thread',
  'use_mmap',
  'use_mlock',
  'numa',
  'low_vram',
  'f16_kv',
] as const

/**
 * `options` of a request. Ollama warns of an unknown one and goes on; here it is refused by name, since nothing is ignored in silence. The
 * runtime options are taken, since stock clients send them unasked, and the answer's `warning` header says that they had no effect.
 */
export const optionsSchema = z.strictObject({
  num_predict: whole
    .refine((count) => count >= 1 || count === -1 || count === -2, 'Expected at least 1, or -1 for no limit')
    .optional(),
  temperature: z.number().min(0).optional(),
  top_k: whole.min(0).optional(),
  top_p: z.number().min(0).max(1).optional(),
  min_p: z.number().min(0).max(1).optional(),
  typical_p: z.number().min(0).max(1).optional(),
  repeat_last_n: whole.min(-1).optional(),
  repeat_penalty: z.number().min(0).optional(),
  presence_penalty: z.number().optional(),
  frequency_penalty: z.number().optional(),
  seed: whole.optional(),
  stop: z.array(z.string().min(1)).optional(),
  num_ctx: whole.min(1).optional(),
  /** As they stand for doing without, which clients send unasked. */
  mirostat: z.literal(0, { error: 'Expected 0: there is no Mirostat here' }).optional(),
  tfs_z: z.literal(1, { error: 'Expected 1: there is no tail-free sampling here' }).optional(),
  /** What is kept when the context overflows: all of it, since nothing is ever dropped from it here. */
  num_keep: whole.optional(),
  num_batch: whole.optional(),
  num_gpu: whole.optional(),
  main_gpu: whole.optional(),
  num_thread: whole.optional(),
  use_mmap: z.boolean().optional(),
  use_mlock: z.boolean().optional(),
  numa: z.boolean().optional(),
  low_vram: z.boolean().optional(),
  f16_kv: z.boolean().optional(),
})

type ContextOf = Pick<LanguageModelStatus, 'contextLength'>

/** Options as a request has them. */
export type OllamaOptions = z.output<typeof optionsSchema>

/** How tokens are chosen, by the options. A context larger than the model's, as clients ask for unasked, is the model's own. */
export function samplingOf(options: OllamaOptions = {}, { contextLength }: ContextOf): Sampling {
  const { num_predict, num_ctx } = options
  return toSampling({
    maxTokens: num_predict !== undefined && num_predict > 0 ? num_predict : undefined,
    temperature: options.temperature,
    topP: options.top_p,
    topK: options.top_k,
    minP: options.min_p,
    typicalP: options.typical_p,
    repeatPenalty: options.repeat_penalty,
    repeatLastN: options.repeat_last_n,
    presencePenalty: options.presence_penalty,
    frequencyPenalty: options.frequency_penalty,
    seed: options.seed,
    stop: options.stop,
    contextLength: num_ctx === undefined ? undefined : Math.min(num_ctx, contextLength ?? num_ctx),
  })
}

/** Headers that say which options had another effect than was asked for; none when all had theirs. */
export function warningsFor(options: OllamaOptions = {}, { contextLength }: ContextOf): Record<string, string> {
  const unused = runtimeOptions.filter((name) => options[name] !== undefined)
  const warnings = unused.length === 0 ? [] : [`${unused.join(', ')}: chosen by the engine, without effect`]
  const { num_ctx = 0 } = options
  if (contextLength !== null && num_ctx > contextLength) warnings.push(`num_ctx: the model has ${contextLength}`)
  return warnings.length === 0 ? {} : { warning: warnings.map((text) => `199 hailstream "${text}"`).join(', ') }
}

/** For what chooses no tokens: any other option has no meaning there. Throws `WrongField`. */
export function expectRuntimeOptions(options: OllamaOptions = {}): void {
  const taken: readonly string[] = runtimeOptions
  const other = Object.keys(options).find((name) => !taken.includes(name))
  if (other === undefined) return
  const field = `options.${other}`
  throw new WrongField(field, `${field}: an embedding has no such option. Expected ${taken.join(', ')}`)
}
