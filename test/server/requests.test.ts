import { describe, expect, it } from 'vitest'
import { parseRequest, readPlainAck } from '../../engine/server/requests.ts'

describe('an acknowledgement', () => {
  it.each([0, 7, 1234, 999_999_999_999_999])('of %d is read from its bytes as the schema reads it', (n) => {
    const text = JSON.stringify({ type: 'ack', n })
    expect(readPlainAck(Buffer.from(text))).toBe(n)
    expect(parseRequest(text)).toEqual({ request: { type: 'ack', n } })
  })

  it.each([
    '{"type":"ack","n":}',
    '{"type":"ack","n":-1}',
    '{"type":"ack","n":1.5}',
    '{"type":"ack","n":1e3}',
    '{"type":"ack","n":1234567890123456}',
    '{"type":"ack","n":12',
    '{"type":"ack","n":1} ',
    '{"type":"ack","n":1,"topic":"a/b"}',
    '{"type": "ack", "n": 17}',
    '{"n":17,"type":"ack"}',
    '{"type":"pub","n":17}',
    '}',
    '',
  ])('is not read from %s, which is left to the schema', (text) => {
    expect(readPlainAck(Buffer.from(text))).toBeUndefined()
  })
})
