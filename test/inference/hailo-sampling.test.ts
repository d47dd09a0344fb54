import { describe, expect, it } from 'vitest'
import { toHailoSampling } from '../../engine/inference/hailo-sampling.ts'
import type { Sampling } from '../../engine/inference/language.ts'

describe('toHailoSampling', () => {
  it('leaves to the model what was not asked for', () => {
    expect(toHailoSampling({})).toEqual({})
  })

  it('takes a temperature of 0 as no choice at all, which the library has no number for', () => {
    expect(toHailoSampling({ temperature: 0 })).toEqual({ sample: false })
    expect(toHailoSampling({ temperature: 0.7, topK: 5 })).toEqual({ temperature: 0.7, sample: true, topK: 5 })
  })

  it('takes values that ask for nothing, and leaves them out', () => {
    const nothing: Sampling = { minP: 0, typicalP: 1, repeatPenalty: 1, presencePenalty: 0, frequencyPenalty: 0 }
    expect(toHailoSampling({ ...nothing, seed: 7 })).toEqual({ seed: 7 })
  })

  it.each<[keyof Sampling, number]>([
    ['minP', 0.1],
    ['typicalP', 0.5],
    ['repeatPenalty', 1.1],
    ['presencePenalty', 1],
    ['temperature', -1],
    ['topP', 1.5],
    ['topK', 0],
    ['maxTokens', 0],
    ['seed', -1],
  ])('refuses %s of %d, naming both', (name, value) => {
    const message = expect.stringMatching(new RegExp(`${name}.*received ${value}$`))
    expect(() => toHailoSampling({ [name]: value })).toThrow(expect.objectContaining({ code: 'invalid', message }))
  })
})
