import { expect, it } from 'vitest'
import { StablePrefix } from '../../engine/inference/stable-prefix.ts'

it('tells for good the words in which two hypotheses in a row agree, but for the newest', () => {
  const prefix = new StablePrefix()
  expect(prefix.update('turn')).toEqual({ stable: '', tentative: 'turn' })
  expect(prefix.update('turn the light')).toEqual({ stable: 'turn', tentative: 'the light' })
  expect(prefix.update('turn the lights off')).toEqual({ stable: 'turn the', tentative: 'lights off' })
  expect(prefix.update('turn the lights off')).toEqual({ stable: 'turn the lights', tentative: 'off' })
  expect(prefix.finish('turn the lights off')).toEqual({ stable: 'turn the lights off', tentative: '' })
})

it('takes nothing back, whatever comes later', () => {
  const prefix = new StablePrefix()
  prefix.update('ask not what')
  expect(prefix.update('ask not what your')).toEqual({ stable: 'ask not what', tentative: 'your' })
  expect(prefix.update('as knot')).toEqual({ stable: 'ask not what', tentative: '' })
  expect(prefix.update('as knot what are country')).toEqual({ stable: 'ask not what', tentative: 'are country' })
  expect(prefix.finish('as knot what your country')).toEqual({ stable: 'ask not what your country', tentative: '' })
})

it('does not mind commas and capitals, which recognisers change long after the word', () => {
  const prefix = new StablePrefix()
  prefix.update('Well,')
  expect(prefix.update('well I')).toEqual({ stable: 'well', tentative: 'I' })
})

it('keeps what was told when nothing is heard any more', () => {
  const prefix = new StablePrefix()
  prefix.update('one two')
  prefix.update('one two three')
  expect(prefix.update('')).toEqual({ stable: 'one two', tentative: '' })
  expect(prefix.finish('')).toEqual({ stable: 'one two', tentative: '' })
})
