import { X509Certificate } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { hostname, networkInterfaces } from 'node:os'
import { dirname, join } from 'node:path'
import { createSecureContext } from 'node:tls'
import { EngineError, messageOf } from '../errors.ts'
import { makeSelfSigned } from './self-signed.ts'
import type { TlsSettings } from './tls-settings.ts'

const dayMs = 86_400_000
/** The longest that Apple's systems take. */
const validForMs = 825 * dayMs
/** It has an hour behind it already, for clients whose clock is behind. */
const headStartMs = 3_600_000
/** A kept certificate that ends sooner is made anew at a start. */
export const renewBeforeMs = 30 * dayMs

/** The certificate that TLS is spoken with, as files. */
export interface Certificate {
  readonly selfSigned: boolean
  readonly certFile: string
  readonly keyFile: string
  /** What clients can be given to trust it; the same as `certFile` where that holds no key. */
  readonly publicFile: string
  readonly x509: X509Certificate
}

/** What decides over a kept certificate. */
export interface CertificateOptions {
  /** Folder that the engine writes in. */
  readonly state: string
  /** Unix ms. */
  readonly now: number
}

/**
 * The certificate of the settings, checked. One that the engine makes itself is kept, with its key, in `<state>/tls.pem` for its owner alone, and stays the same
 * until it ends or lacks a configured name, since clients trust it. Throws `invalid` for files that cannot be read or do not fit, `unavailable` when
 * the disk takes none.
 */
export function openCertificate(settings: TlsSettings, options: CertificateOptions): Certificate {
  if (settings.kind === 'files') {
    const { cert, key } = settings
    const x509 = check(read(cert, 'cert'), read(key, 'key'), `${cert} and ${key}`)
    return { selfSigned: false, certFile: cert, keyFile: key, publicFile: cert, x509 }
  }
  const file = join(options.state, 'tls.pem')
  const publicFile = join(options.state, 'certificate.pem')
  if (!isKept(file, settings.names, options.now)) makeFile(file, settings.names, options.now)
  const x509 = readKept(file)
  if (!existsSync(publicFile) || read(publicFile, 'selfSigned') !== x509.toString())
    writeWhole(publicFile, x509.toString(), 0o644)
  return { selfSigned: true, certFile: file, keyFile: file, publicFile, x509 }
}

/** Whether clients that know this name or address take the certificate for it. */
export function standsFor(x509: X509Certificate, name: string): boolean {
  return (isIP(name) === 0 ? x509.checkHost(name) : x509.checkIP(name)) !== undefined
}

/** Names and addresses of this machine by which it can be reached, those of loopback included. */
export function ownNames(): [string, ...string[]] {
  const own = hostname().toLowerCase()
  const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? [])
  // Addresses of one link cannot be written without naming the link.
  const reachable = addresses.map(({ address }) => address).filter((address) => !address.startsWith('fe80:'))
  return [own, `${own}.local`, 'localhost', '127.0.0.1', '::1', ...reachable]
}

function isKept(file: string, names: readonly string[], now: number): boolean {
  if (!existsSync(file)) return false
  const x509 = readKept(file)
  return Date.parse(x509.validTo) - now > renewBeforeMs && names.every((name) => standsFor(x509, name))
}

function readKept(file: string): X509Certificate {
  const text = read(file, 'selfSigned')
  return check(text, text, `${file}; remove it, and the engine makes a new one`)
}

function makeFile(file: string, names: readonly string[], now: number): void {
  const [first, ...others] = ownNames()
  const from = new Date(now - headStartMs)
  const to = new Date(now - headStartMs + validForMs)
  const all = [...new Set([...others, ...names.map((name) => name.toLowerCase())])]
  writeWhole(file, makeSelfSigned({ names: [first, ...all], from, to }), 0o600)
}

/** As a whole or not at all, so that a full disk leaves no half certificate. */
function writeWhole(file: string, text: string, mode: number): void {
  const partial = `${file}.partial`
  try {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(partial, text, { mode, flush: true })
    renameSync(partial, file)
  } catch (error) {
    rmSync(partial, { force: true })
    const message = `Expected to write the certificate to ${file}: ${messageOf(error)}. Make room there, or give one by path in listen.tls`
    throw new EngineError('unavailable', message, { cause: error })
  }
}

function read(file: string, key: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const message = `listen.tls.${key}: Expected a file at ${file} that the engine may read: ${messageOf(error)}`
    throw new EngineError('invalid', message, { cause: error })
  }
}

function check(cert: string, key: string, place: string): X509Certificate {
  try {
    createSecureContext({ cert, key })
    return new X509Certificate(cert)
  } catch (error) {
    const message = `listen.tls: Expected a certificate and its key, without a password, as PEM in ${place}: ${messageOf(error)}`
    throw new EngineError('invalid', message, { cause: error })
  }
}
