import { describe, expect, it } from 'vitest'
import { findNamed } from '../../engine/inference/language-names.ts'

const all = [
  { name: 'qwen2.5-1.5b-instruct', aliases: ['qwen2.5:1.5b'] },
  { name: 'llama-3.2-1b-instruct', aliases: ['llama3.2:1b'] },
  { name: 'llama-3.2-3b-instruct', aliases: ['llama3.2:3b'] },
  { name: 'embedder', aliases: ['nomic:latest'] },
]
const nameOf = (asked: string) => findNamed(asked, all).name

describe('findNamed', () => {
  it.each([
    ['qwen2.5-1.5b-instruct', 'qwen2.5-1.5b-instruct'],
    ['qwen2.5:1.5b', 'qwen2.5-1.5b-instruct'],
    ['Qwen2.5:1.5B', 'qwen2.5-1.5b-instruct'],
    ['qwen2.5', 'qwen2.5-1.5b-instruct'],
    ['qwen2.5:latest', 'qwen2.5-1.5b-instruct'],
    ['nomic', 'embedder'],
    ['embedder:latest', 'embedder'],
  ])('takes %s for %s', (asked, name) => {
    expect(nameOf(asked)).toBe(name)
  })

  it('does not guess which of several is meant, and names them', () => {
    const message = expect.stringContaining('llama-3.2-1b-instruct (llama3.2:1b), llama-3.2-3b-instruct (llama3.2:3b)')
    expect(() => nameOf('llama3.2')).toThrow(expect.objectContaining({ code: 'not-found', message }))
  })

  it('names what there is for a name that is unknown', () => {
    const message = expect.stringMatching(/embedder.*received "gpt-4"/)
    expect(() => nameOf('gpt-4')).toThrow(expect.objectContaining({ code: 'not-found', message }))
    expect(() => findNamed('x', [])).toThrow('there is none')
  })
})
