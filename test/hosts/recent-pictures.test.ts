import { expect, it } from 'vitest'
import { RecentPictures } from '../../engine/hosts/recent-pictures.ts'
import { randomNumbers, seededPick } from '../support/random.ts'

const width = 640
const height = 480
const pick = seededPick(3)

/** A picture in I420. */
function noise(seed: number): Buffer {
  const random = randomNumbers(seed)
  return Buffer.from(Uint8Array.from({ length: (width * height * 3) / 2 }, () => random() * 256))
}

it('takes no picture for another that differs in 16 by 16 pixels anywhere', () => {
  const recent = new RecentPictures()
  const picture = noise(1)
  expect(recent.saw(picture)).toBe(false)
  for (let i = 0; i < 200; i++) {
    const changed = Buffer.from(picture)
    const corner = pick(height - 16) * width + pick(width - 16)
    for (let row = 0; row < 16; row++)
      for (let column = 0; column < 16; column++) changed[corner + row * width + column]! ^= 1
    expect(recent.saw(changed)).toBe(false)
  }
})

it('knows the pictures of a group that comes again, as the decoder of a still picture gives it', () => {
  const recent = new RecentPictures()
  const group = Array.from({ length: 60 }, (_, i) => noise(i))
  expect(group.map((picture) => recent.saw(picture))).not.toContain(true)
  for (let again = 0; again < 3; again++) expect(group.map((picture) => recent.saw(picture))).not.toContain(false)
})

it('forgets the oldest', () => {
  const recent = new RecentPictures()
  const small = (value: number) => Buffer.from([value, value, value])
  for (let value = 0; value < 128; value++) recent.saw(small(value))
  expect(recent.saw(small(0))).toBe(true)
  recent.saw(small(200))
  expect(recent.saw(small(0))).toBe(true)
  expect(recent.saw(small(1))).toBe(false)
})
