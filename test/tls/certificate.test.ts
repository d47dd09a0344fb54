import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseCommandLine } from '../../engine/command-line.ts'
import { loadConfig } from '../../engine/config.ts'
import { openCertificate } from '../../engine/tls/certificate.ts'
import { makeSelfSigned } from '../../engine/tls/self-signed.ts'

const dayMs = 86_400_000
const now = Date.UTC(2026, 5, 1)

let state: string
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'hailstream-tls-'))
})
afterEach(() => rmSync(state, { recursive: true, force: true }))

const open = ({ names = [] as string[], at = now } = {}) =>
  openCertificate({ kind: 'self-signed', port: 0, names }, { state, now: at })

describe('the certificate that the engine makes', () => {
  it('lies with its key where its owner alone can read it, and without the key where everybody can', () => {
    const { x509, keyFile, publicFile } = open()
    expect(statSync(keyFile).mode & 0o777).toBe(0o600)
    expect(readFileSync(keyFile, 'utf8')).toContain('PRIVATE KEY')
    expect(readFileSync(publicFile, 'utf8')).toBe(x509.toString())
  })

  it('stays the same until a month before its end, and is then made anew', () => {
    const first = open().x509
    expect(open({ at: now + 790 * dayMs }).x509.fingerprint256).toBe(first.fingerprint256)
    const second = open({ at: now + 800 * dayMs })
    expect(second.x509.fingerprint256).not.toBe(first.fingerprint256)
    expect(readFileSync(second.publicFile, 'utf8')).toBe(second.x509.toString())
  })

  it('is made anew for a configured name that it lacks, and for no other reason', () => {
    const first = open({ names: ['Stage.example.org', '10.9.8.7'] }).x509
    expect(first.checkHost('stage.example.org')).toBe('stage.example.org')
    expect(open({ names: ['10.9.8.7'] }).x509.fingerprint256).toBe(first.fingerprint256)
    const other = open({ names: ['other.example.org'] }).x509
    expect(other.fingerprint256).not.toBe(first.fingerprint256)
  })

  it('is not replaced where its file was damaged: who put what there must decide', () => {
    const { keyFile } = open()
    writeFileSync(keyFile, 'rubbish')
    expect(() => open()).toThrow(/listen\.tls: Expected a certificate and its key.*tls\.pem; remove it/)
    expect(readFileSync(keyFile, 'utf8')).toBe('rubbish')
  })
})

describe('a certificate by path', () => {
  const write = (name: string, text: string) => {
    const path = join(state, name)
    writeFileSync(path, text)
    return path
  }
  const make = () => makeSelfSigned({ names: ['pi'], from: new Date(now), to: new Date(now + dayMs) })
  const openFiles = (cert: string, key: string) =>
    openCertificate({ kind: 'files', port: 0, cert, key }, { state, now })

  it('is taken with its key', () => {
    const path = write('both.pem', make())
    expect(openFiles(path, path)).toMatchObject({ selfSigned: false, certFile: path, keyFile: path })
  })

  it('is refused, with its place, when it is not there, is none, or has another key', () => {
    const path = write('both.pem', make())
    const absent = join(state, 'absent.pem')
    expect(() => openFiles(absent, path)).toThrow(`listen.tls.cert: Expected a file at ${absent}`)
    expect(() => openFiles(path, absent)).toThrow(`listen.tls.key: Expected a file at ${absent}`)
    const other = write('other.pem', make())
    expect(() => openFiles(path, other)).toThrow(/Expected a certificate and its key.*mismatch/)
    const rubbish = write('rubbish.pem', 'rubbish')
    expect(() => openFiles(rubbish, path)).toThrow(`as PEM in ${rubbish} and ${path}`)
  })
})

describe('listen.tls', () => {
  const load = (value: string) => loadConfig(parseCommandLine(['start', '--set', `listen.tls=${value}`]), {}).listen.tls

  it('takes a word, a section, or paths', () => {
    expect(load('self-signed')).toEqual({ kind: 'self-signed', port: 8443, names: [] })
    expect(load('{selfSigned: true, port: 443, names: [pi.example.org, 10.0.0.1]}')).toEqual({
      kind: 'self-signed',
      port: 443,
      names: ['pi.example.org', '10.0.0.1'],
    })
    expect(load('{cert: /c.pem, key: /k.pem}')).toEqual({ kind: 'files', port: 8443, cert: '/c.pem', key: '/k.pem' })
  })

  it.each([
    ['{}', 'Expected self-signed, or cert and key'],
    ['{cert: /c.pem}', 'Expected self-signed, or cert and key'],
    ['{selfSigned: true, cert: /c.pem}', 'Expected self-signed, or cert and key'],
    ['{cert: /c.pem, key: /k.pem, names: [pi]}', 'Expected names only with selfSigned'],
    ['{selfSigned: true, names: ["not a name"]}', 'Expected a host name or an address'],
    ['{selfSigned: true, ports: 1}', 'unknown key ports'],
    ['yes please', 'listen.tls'],
  ])('refuses %s', (value, message) => {
    expect(() => load(value)).toThrow(message)
  })
})
