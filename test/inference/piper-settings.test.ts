import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readPiperSettings, toParts, toPhonemeIds } from '../../engine/inference/piper-settings.ts'
import { hasTestData, testData } from '../support/data.ts'

const ids = { _: [0], '^': [1], $: [2], ' ': [3], ',': [4], a: [5], b: [6, 7], '̃': [8] }
const settings = { phoneme_id_map: ids, phoneme_map: {} }

describe('phoneme ids', () => {
  it('begin and end, with a pad after all but the last', () => {
    expect(toPhonemeIds([{ phonemes: 'aa', mark: '' }], settings)).toEqual([1, 0, 5, 0, 5, 0, 2])
  })

  it('have a mark and a space between two parts', () => {
    const parts = [
      { phonemes: 'a', mark: ',' },
      { phonemes: 'a', mark: '' },
    ]
    expect(toPhonemeIds(parts, settings)).toEqual([1, 0, 5, 0, 4, 0, 3, 0, 5, 0, 2])
  })

  it('are several where the voice has several for one, and none for what it lacks', () => {
    expect(toPhonemeIds([{ phonemes: 'bxa', mark: '!' }], settings)).toEqual([1, 0, 6, 7, 0, 5, 0, 2])
  })

  it('are those of the decomposed text, after the voice’s own map', () => {
    expect(toPhonemeIds([{ phonemes: 'ã', mark: '' }], settings)).toEqual([1, 0, 5, 0, 8, 0, 2])
    expect(toPhonemeIds([{ phonemes: 'x', mark: '' }], { ...settings, phoneme_map: { x: ['a', 'a'] } })).toEqual([
      1, 0, 5, 0, 5, 0, 2,
    ])
  })
})

it('parts a sentence at the marks that Piper’s voices know', () => {
  expect(toParts('Well, "this is it": 3.5 or 1,000; really…')).toEqual([
    { text: 'Well', mark: ',' },
    { text: '"this is it"', mark: ':' },
    { text: '3.5 or 1,000', mark: ';' },
    { text: 'really', mark: '.' },
  ])
  expect(toParts('no mark')).toEqual([{ text: 'no mark', mark: '' }])
})

describe.skipIf(!hasTestData)('the settings of a voice', () => {
  it('are read as Piper writes them', async () => {
    const path = testData('models/piper-tone-voice.onnx.json')
    expect(await readPiperSettings(path)).toMatchObject({ num_speakers: 1, audio: { sample_rate: 16_000 } })
  })

  it('are named with their file and their mistake', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hailstream-voice-'))
    const path = join(folder, 'voice.onnx.json')
    await writeFile(path, '{"audio": {"sample_rate": 1}}')
    await expect(readPiperSettings(path)).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining(`settings of a Piper voice in ${path}`),
    })
    await writeFile(path, '{')
    await expect(readPiperSettings(path)).rejects.toMatchObject({ code: 'invalid' })
    await rm(folder, { recursive: true })
  })
})
