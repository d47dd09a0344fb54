import { describe, expect, it } from 'vitest'
import { boundaryOf, MultipartParser, type PartHead } from '../../engine/routes/multipart.ts'
import { seededPick } from '../support/random.ts'

interface Got extends PartHead {
  content: string
  ended: boolean
}

/** What comes of a body that arrives in pieces of this size. */
function parse(body: string, size: number, boundary = 'XyZ'): Got[] {
  const parts: Got[] = []
  const last = () => parts.at(-1) as Got
  const parser = new MultipartParser(boundary, {
    begin: (head) => parts.push({ ...head, content: '', ended: false }),
    bytes: (chunk) => {
      last().content += chunk.toString('latin1')
    },
    end: () => {
      last().ended = true
    },
  })
  const bytes = Buffer.from(body, 'latin1')
  for (let at = 0; at < bytes.length; at += size) parser.write(bytes.subarray(at, at + size))
  parser.end()
  return parts
}

const part = (heads: string, content: string) => `--XyZ\r\n${heads}\r\n\r\n${content}\r\n`
const field = (name: string, content: string) => part(`Content-Disposition: form-data; name="${name}"`, content)
const file = (content: string) =>
  part('Content-Disposition: form-data; name="file"; filename="a b.wav"\r\nContent-Type: audio/wav', content)
// Nearly a boundary, again and again.
const tricky = '\r\n--Xy\r\n--XyY\r\n-\r\r\n\r\n--Xy\r\n--X'

describe('a parser of multipart/form-data', () => {
  it.each([1, 2, 3, 7, 16, 64, 100_000])('reads fields and files that arrive in pieces of %i bytes', (size) => {
    const body = `a preamble\r\n${field('language', 'en')}${file(tricky)}${field('empty', '')}--XyZ--\r\nan epilogue`
    expect(parse(body, size)).toEqual([
      { name: 'language', fileName: undefined, type: 'text/plain', content: 'en', ended: true },
      { name: 'file', fileName: 'a b.wav', type: 'audio/wav', content: tricky, ended: true },
      { name: 'empty', fileName: undefined, type: 'text/plain', content: '', ended: true },
    ])
  })

  it.each([1, 5, 4096])('gives back whatever bytes a file has, in pieces of %i', (size) => {
    // Line ends and dashes are as likely as in text.
    const pieces = ['\r', '\n', '-', '--XyZ', '\x00', '\xff', 'X', 'a']
    const draw = seededPick(7)
    const content = Array.from({ length: 10_000 }, () => pieces[draw(pieces.length)]).join('')
    // What would really be a boundary is none of the file.
    const allowed = content.replaceAll('\r\n--XyZ', '\r\n--XyX')
    expect(parse(`${file(allowed)}--XyZ--`, size)[0]?.content).toBe(allowed)
  })

  it('reads names with quotes as browsers and as libraries write them', () => {
    const heads = ['name="a%22b"; filename="c%0D%0Ad"', 'name="a\\"b"; filename=plain', 'filename="f"; name=g']
    const body = heads.map((head) => part(`content-disposition: form-data; ${head}`, '')).join('')
    expect(parse(`${body}--XyZ--`, 9).map(({ name, fileName }) => [name, fileName])).toEqual([
      ['a"b', 'c\r\nd'],
      ['a"b', 'plain'],
      ['g', 'f'],
    ])
  })

  it.each([
    ['a body that is cut short', file('abc').slice(0, -4)],
    ['a body that ends after a part', file('abc')],
    ['no boundary at all', 'hello'],
    ['text after a boundary', '--XyZ and more\r\n'],
    ['a part without a name', `${part('Content-Disposition: form-data', 'x')}--XyZ--`],
    ['a part that is no form data', `${part('Content-Type: text/plain', 'x')}--XyZ--`],
    ['heads without an end', `--XyZ\r\n${'x-head: 1\r\n'.repeat(3000)}`],
  ])('refuses %s', (_, body) => {
    for (const size of [1, 1000, 1_000_000])
      expect(() => parse(body, size)).toThrow(expect.objectContaining({ code: 'invalid' }))
  })

  it('finds the boundary in a content type, quoted or not', () => {
    expect(boundaryOf('multipart/form-data; boundary=abc')).toBe('abc')
    expect(boundaryOf('multipart/form-data; charset=utf-8; Boundary="a b:c"')).toBe('a b:c')
    expect(() => boundaryOf('multipart/form-data')).toThrow('boundary')
    expect(() => boundaryOf(`multipart/form-data; boundary=${'x'.repeat(71)}`)).toThrow('boundary')
  })
})
