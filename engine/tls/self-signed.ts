import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { isIP, isIPv4 } from 'node:net'
import { bitString, der, objectIdentifier, time } from './der.ts'

/** What a certificate says. */
export interface CertificateContents {
  /** Host names and IP addresses that it stands for; the first also names it. */
  readonly names: readonly [string, ...string[]]
  readonly from: Date
  readonly to: Date
}

const oids = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  keyIdentifier: '2.5.29.14',
  alternativeNames: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  extendedKeyUsage: '2.5.29.37',
  serverAuthentication: '1.3.6.1.5.5.7.3.1',
}
/** RFC 5280: the longest common name. */
const maxCommonName = 64

/**
 * A new key (EC P-256) and its self-signed certificate (X.509 version 3, RFC 5280), both as PEM, in one text. It stands for this server alone: no
 * authority, so that whoever steals the key can sign for no other site.
 */
export function makeSelfSigned(contents: CertificateContents): string {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const body = tbsCertificate(contents, publicKey.export({ type: 'spki', format: 'der' }))
  const signature = bitString(sign('sha256', body, privateKey))
  const certificate = der('sequence', body, der('sequence', objectIdentifier(oids.ecdsaWithSha256)), signature)
  return `${privateKey.export({ type: 'pkcs8', format: 'pem' })}${toPem(certificate)}`
}

function tbsCertificate({ names, from, to }: CertificateContents, publicKey: Buffer): Buffer {
  const name = nameOf(names[0].slice(0, maxCommonName))
  return der(
    'sequence',
    der(0xa0, der('integer', Buffer.from([2]))),
    der('integer', serialNumber()),
    der('sequence', objectIdentifier(oids.ecdsaWithSha256)),
    name,
    der('sequence', time(from), time(to)),
    name,
    publicKey,
    der(0xa3, der('sequence', ...extensions(names, publicKey))),
  )
}

/** Positive, and never the same. */
function serialNumber(): Buffer {
  const bytes = randomBytes(16)
  bytes[0] = 0x40 | ((bytes[0] as number) & 0x3f)
  return bytes
}

function nameOf(commonName: string): Buffer {
  const attribute = der('sequence', objectIdentifier(oids.commonName), der('utf8', Buffer.from(commonName)))
  return der('sequence', der('set', attribute))
}

/** No key usage: OpenSSL takes a certificate that may not sign certificates for one that cannot have signed itself. */
function extensions(names: readonly string[], publicKey: Buffer): Buffer[] {
  const identifier = createHash('sha1').update(publicKey).digest()
  return [
    extension(oids.basicConstraints, 'critical', der('sequence')),
    extension(oids.extendedKeyUsage, 'plain', der('sequence', objectIdentifier(oids.serverAuthentication))),
    extension(oids.keyIdentifier, 'plain', der('octets', identifier)),
    extension(oids.alternativeNames, 'plain', der('sequence', ...names.map(alternativeName))),
  ]
}

function extension(oid: string, weight: 'critical' | 'plain', value: Buffer): Buffer {
  const critical = weight === 'critical' ? [der('boolean', Buffer.from([0xff]))] : []
  return der('sequence', objectIdentifier(oid), ...critical, der('octets', value))
}

function alternativeName(name: string): Buffer {
  return isIP(name) === 0 ? der(0x82, Buffer.from(name)) : der(0x87, addressBytes(name))
}

function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number))
  // The address of a URL is written in the one way that RFC 5952 gives, in groups of hexadecimal digits alone.
  const [head = '', tail = ''] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const [before, after] = [groupsOf(head), groupsOf(tail)]
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => 0)
  return Buffer.from([...before, ...zeros, ...after].flatMap((group) => [group >> 8, group & 0xff]))
}

function groupsOf(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))
}

function toPem(certificate: Buffer): string {
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}
