/** Tags of ITU-T X.690 that a certificate needs. */
const tags = {
  boolean: 0x01,
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  sequence: 0x30,
  set: 0x31,
  utcTime: 0x17,
  time: 0x18,
}

/** A value in DER (ITU-T X.690): tag, length, contents. */
export function der(tag: keyof typeof tags | number, ...contents: readonly Uint8Array[]): Buffer {
  const length = contents.reduce((sum, part) => sum + part.length, 0)
  return Buffer.concat([Buffer.from([typeof tag === 'number' ? tag : tags[tag], ...lengthBytes(length)]), ...contents])
}

/** Sub-identifiers by dots, as `2.5.29.17`. */
export function objectIdentifier(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number)
  return der('oid', Buffer.from([40 * first + second, ...rest.flatMap(base128)]))
}

/** Whole bytes only: no bit is unused. */
export function bitString(bytes: Uint8Array): Buffer {
  return der('bits', Buffer.from([0]), bytes)
}

/** To the second. Years before 2050 have two digits (RFC 5280, 4.1.2.5). */
export function time(moment: Date): Buffer {
  const digits = moment.toISOString().replace(/\.\d+|[-:T]/g, '')
  const isShort = moment.getUTCFullYear() < 2050
  return der(isShort ? 'utcTime' : 'time', Buffer.from(isShort ? digits.slice(2) : digits))
}

function lengthBytes(length: number): number[] {
  if (length < 0x80) return [length]
  const bytes = bigEndian(length, 256)
  return [0x80 | bytes.length, ...bytes]
}

/** All but the last byte carry the high bit. */
function base128(value: number): number[] {
  const digits = bigEndian(value, 128)
  return digits.map((digit, i) => (i < digits.length - 1 ? digit | 0x80 : digit))
}

function bigEndian(value: number, radix: number): number[] {
  return value < radix ? [value] : [...bigEndian(Math.floor(value / radix), radix), value % radix]
}
