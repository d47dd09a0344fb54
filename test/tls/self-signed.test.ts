import { createPrivateKey, X509Certificate } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { der, objectIdentifier, time } from '../../engine/tls/der.ts'
import { makeSelfSigned } from '../../engine/tls/self-signed.ts'

const hex = (bytes: Buffer) => bytes.toString('hex')

describe('DER', () => {
  it('writes lengths in one byte, and longer ones after their own length', () => {
    expect(hex(der('octets', Buffer.alloc(127)).subarray(0, 2))).toBe('047f')
    expect(hex(der('octets', Buffer.alloc(128)).subarray(0, 3))).toBe('048180')
    expect(hex(der('octets', Buffer.alloc(300)).subarray(0, 4))).toBe('0482012c')
  })

  it('writes object identifiers as X.690 8.19 has them', () => {
    expect(hex(objectIdentifier('1.2.840.113549'))).toBe('06062a864886f70d')
    expect(hex(objectIdentifier('2.5.29.17'))).toBe('0603551d11')
  })

  it('writes years from 2050 on with four digits', () => {
    expect(time(new Date('2049-12-31T23:59:59Z')).toString('latin1')).toBe('\x17\x0d491231235959Z')
    expect(time(new Date('2050-01-01T00:00:00Z')).toString('latin1')).toBe('\x18\x0f20500101000000Z')
  })
})

describe('a self-signed certificate', () => {
  const from = new Date('2026-01-02T03:04:05Z')
  const to = new Date('2028-01-02T03:04:05Z')
  const names = ['pi', 'pi.local', '192.168.1.5', '::1', '2001:db8::8:800:200c:417a', 'fd00::'] as const

  it('is signed by its own key, and says names, addresses and times', () => {
    const pem = makeSelfSigned({ names, from, to })
    const x509 = new X509Certificate(pem)
    expect(x509.verify(x509.publicKey)).toBe(true)
    expect(x509.checkPrivateKey(createPrivateKey(pem))).toBe(true)
    expect(x509.subject).toBe('CN=pi')
    expect(x509.checkIssued(x509)).toBe(true)
    expect([Date.parse(x509.validFrom), Date.parse(x509.validTo)]).toEqual([from.getTime(), to.getTime()])
    for (const name of ['pi', 'pi.local']) expect(x509.checkHost(name), name).toBe(name)
    for (const name of names.slice(2)) expect(x509.checkIP(name), name).toBe(name)
    expect(x509.checkHost('other.local')).toBeUndefined()
  })

  it('is no authority, and for servers alone', () => {
    const x509 = new X509Certificate(makeSelfSigned({ names, from, to }))
    expect(x509.ca).toBe(false)
    expect(x509.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
  })

  it('has a key and a serial number of its own', () => {
    const [one, other] = [1, 2].map(() => new X509Certificate(makeSelfSigned({ names, from, to })))
    expect(one?.serialNumber).not.toBe(other?.serialNumber)
    expect(one?.publicKey.equals(other?.publicKey as never)).toBe(false)
  })
})
