import { EngineError } from '../errors.ts'
import type { HailoPrompt } from '../native/hailo.ts'
import type { Sampling } from './language.ts'

/** How the library is told to choose tokens. */
export type HailoSampling = Pick<
  HailoPrompt,
  'temperature' | 'topP' | 'topK' | 'frequencyPenalty' | 'maxTokens' | 'sample' | 'seed'
>

/** What the library cannot do, with the values that ask for nothing. */
const unable: Readonly<Partial<Record<keyof Sampling, readonly number[]>>> = {
  minP: [0],
  typicalP: [0, 1],
  repeatPenalty: [0, 1],
  presencePenalty: [0],
}
const maxSeed = 2 ** 32 - 1

/** `contextLength` and `stop` are heeded by whoever reads the answer. Throws `invalid`, naming what the device cannot do. */
export function toHailoSampling(sampling: Sampling): HailoSampling {
  for (const [name, neutral] of Object.entries(unable)) {
    const value = sampling[name as keyof Sampling]
    if (value !== undefined && !neutral.includes(value as number))
      throw refused(name, `${neutral.join(' or ')}, which is none: the Hailo device has no such choice`, value)
  }
  const { temperature, topP, topK, frequencyPenalty, maxTokens, seed } = sampling
  check('temperature', temperature, (value) => value >= 0, 'at least 0')
  check('topP', topP, (value) => value >= 0 && value <= 1, '0 to 1')
  check('topK', topK, (value) => Number.isInteger(value) && value >= 1, 'a whole number of at least 1')
  check('maxTokens', maxTokens, (value) => Number.isInteger(value) && value >= 1, 'a whole number of at least 1')
  check('seed', seed, (value) => Number.isInteger(value) && value >= 0 && value <= maxSeed, `0 to ${maxSeed}`)
  return {
    // The library takes no temperature of 0: it is told to choose nothing at random.
    ...(temperature === 0 ? { sample: false } : temperature !== undefined && { temperature, sample: true }),
    ...(topP !== undefined && { topP }),
    ...(topK !== undefined && { topK }),
    ...(frequencyPenalty !== undefined && frequencyPenalty !== 0 && { frequencyPenalty }),
    ...(maxTokens !== undefined && { maxTokens }),
    ...(seed !== undefined && { seed }),
  }
}

function check(name: string, value: number | undefined, fits: (value: number) => boolean, expected: string): void {
  if (value !== undefined && !fits(value)) throw refused(name, expected, value)
}

function refused(name: string, expected: string, value: unknown): EngineError {
  return new EngineError('invalid', `Expected ${name} to be ${expected}; received ${String(value)}`)
}
