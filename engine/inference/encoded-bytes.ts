import { EngineError } from '../errors.ts'

/** Bytes from base64; `place` is for messages. Throws `invalid`. */
export function decodeBase64(text: string, place: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64')
  // Node skips what is no base64, so a text that is none gives too few bytes.
  const expected = Math.floor((text.replace(/[\s=]+/g, '').length * 3) / 4)
  if (bytes.length === expected) return bytes
  throw new EngineError('invalid', `Expected base64 in ${place}, received ${JSON.stringify(text.slice(0, 20))}…`)
}

/** Bytes from a data URL with base64. Throws `invalid`. */
export function decodeDataUrl(url: string, place: string): Uint8Array {
  const comma = url.indexOf(',')
  if (url.startsWith('data:') && comma >= 0 && url.slice(0, comma).endsWith(';base64'))
    return decodeBase64(url.slice(comma + 1), place)
  const message = `Expected a data URL with ;base64 in ${place}, received ${JSON.stringify(url.slice(0, 40))}…`
  throw new EngineError('invalid', message)
}

/** The same bytes where they begin as a JPEG, PNG or WebP does. Throws `invalid`. */
export function expectPicture(bytes: Uint8Array, place: string): Uint8Array {
  const head = Buffer.from(bytes.subarray(0, 12)).toString('latin1')
  const isWebp = head.startsWith('RIFF') && head.endsWith('WEBP')
  const isPicture = head.startsWith('\xff\xd8\xff') || head.startsWith('\x89PNG') || isWebp
  if (isPicture) return bytes
  throw new EngineError('invalid', `Expected a JPEG, PNG or WebP in ${place}, received ${bytes.length} other bytes`)
}
