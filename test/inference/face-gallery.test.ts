import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FaceGallery } from '../../engine/inference/face-gallery.ts'

let folder: string
let file: string
let open: FaceGallery[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hailstream-faces-'))
  file = join(folder, 'state/faces.db')
  open = []
})
afterEach(() => {
  for (const gallery of open) gallery[Symbol.dispose]()
  rmSync(folder, { recursive: true })
})

function openGallery(keepsPictures = false): FaceGallery {
  const gallery = new FaceGallery({ file, keepsPictures })
  open.push(gallery)
  return gallery
}

const vector = (...values: number[]) => Float32Array.from(values)
const picture = Buffer.from('a picture of somebody, as it was sent')
const face = (name: string, ...values: number[]) => ({ name, model: 'm', embedding: vector(...values), picture })
/** All that lies on the disk. */
const disk = () =>
  Buffer.concat(readdirSync(join(folder, 'state')).map((name) => readFileSync(join(folder, 'state', name))))

describe('the gallery of faces', () => {
  it('names the most similar face of the same model, from the similarity on that is asked for', () => {
    const gallery = openGallery()
    gallery.add(face('ada', 1, 0), 0)
    gallery.add(face('bob', 0.6, 0.8), 0)
    expect(gallery.identify('m', vector(0.8, 0.6), 0.5)).toEqual({ name: 'bob', similarity: expect.closeTo(0.96) })
    expect(gallery.identify('m', vector(0.8, -0.6), 0.8)).toEqual({ name: 'ada', similarity: expect.closeTo(0.8) })
    expect(gallery.identify('m', vector(0.8, -0.6), 0.81)).toBeUndefined()
    expect(gallery.identify('other', vector(1, 0), 0)).toBeUndefined()
    expect(gallery.identify('m', vector(1, 0, 0), 0)).toBeUndefined()
    expect([gallery.knows('m'), gallery.knows('other')]).toEqual([true, false])
  })

  it('still has what it answered when it is opened again', () => {
    const first = openGallery()
    expect(first.add(face('ada', 1, 0), 0)).toEqual({ name: 'ada', faces: 1, pictures: 0 })
    expect(first.add(face('ada', 0, 1), 0)).toEqual({ name: 'ada', faces: 2, pictures: 0 })
    first.add(face('Ötzi 3', 0.6, 0.8), 0)
    first[Symbol.dispose]()
    const second = openGallery()
    expect(second.list().map(({ name, faces }) => [name, faces])).toEqual([
      ['ada', 2],
      ['Ötzi 3', 1],
    ])
    expect(second.identify('m', vector(0, 1), 0.9)?.name).toBe('ada')
  })

  it('forgets whom it is told to, and leaves nothing of them on the disk', () => {
    const gallery = openGallery(true)
    gallery.add(face('ada lovelace', 0.123, 0.456), 0)
    gallery.add(face('bob', 0, 1), 0)
    expect(disk().includes(picture)).toBe(true)
    expect(gallery.remove('ada lovelace')).toEqual({ name: 'ada lovelace', faces: 1, pictures: 1 })
    gallery.remove('bob')
    expect(gallery.list()).toEqual([])
    expect(gallery.identify('m', vector(1, 0), -1)).toBeUndefined()
    for (const trace of [picture, Buffer.from('ada lovelace'), Buffer.from(vector(0.123, 0.456).buffer)])
      expect(disk().includes(trace)).toBe(false)
    expect(() => gallery.remove('ada lovelace')).toThrow(expect.objectContaining({ code: 'not-found' }))
  })

  it('keeps pictures only while it is told to, and removes the ones that it had', () => {
    const without = openGallery()
    without.add(face('ada', 1, 0), 0)
    expect(disk().includes(picture)).toBe(false)
    expect(() => without.picture('ada')).toThrow(expect.objectContaining({ code: 'not-found' }))
    without[Symbol.dispose]()
    const keeping = openGallery(true)
    expect(keeping.add(face('ada', 1, 0), 0)).toEqual({ name: 'ada', faces: 2, pictures: 1 })
    expect(Buffer.from(keeping.picture('ada'))).toEqual(picture)
    keeping[Symbol.dispose]()
    const later = openGallery()
    expect(later.list()).toEqual([{ name: 'ada', faces: 2, pictures: 0 }])
    later[Symbol.dispose]()
    expect(disk().includes(picture)).toBe(false)
  })

  it.each(['', ' ada', 'ada\n', 'x'.repeat(101)])('refuses the name %j', (name) => {
    expect(() => openGallery().add(face(name, 1), 0)).toThrow(expect.objectContaining({ code: 'invalid' }))
  })

  it('says that its file cannot be used, and touches no disk before it is asked', () => {
    const gallery = openGallery()
    expect(existsSync(join(folder, 'state'))).toBe(false)
    gallery.list()
    gallery[Symbol.dispose]()
    writeFileSync(file, 'this is no database, and it is longer than a header of one would be: '.repeat(40))
    expect(() => openGallery().list()).toThrow(
      expect.objectContaining({ code: 'unavailable', message: expect.stringContaining(file) }),
    )
  })
})
