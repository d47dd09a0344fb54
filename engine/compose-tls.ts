import type { Config } from './config.ts'
import type { ClosingStack } from './core/lifecycle.ts'
import type { Logger } from './log.ts'
import type { Problems } from './problems.ts'
import type { TlsHealth } from './routes/health.ts'
import { type Certificate, openCertificate, ownNames, renewBeforeMs, standsFor } from './tls/certificate.ts'

const lookEveryMs = 3_600_000

/** What TLS is spoken with, and what is told of it. */
export interface ComposedTls {
  readonly certificate: Certificate
  /** 0 takes a free one. */
  readonly port: number
  /** Origins of pages under the names that were configured. */
  readonly origins: readonly string[]
  /** Call it once the port is open. */
  opened(port: number): void
  health(): TlsHealth
}

/** What it needs of the engine around it. */
export interface TlsSurroundings {
  readonly config: Pick<Config, 'listen' | 'state'>
  readonly problems: Problems
  readonly log: Logger
  readonly closing: ClosingStack
}

/** Opens the certificate of `listen.tls`, and tells in time that it ends. Undefined where TLS is not asked for. Throws as `openCertificate`. */
export function composeTls({ config, problems, log, closing }: TlsSurroundings): ComposedTls | undefined {
  const { tls } = config.listen
  if (tls === null) return undefined
  const certificate = openCertificate(tls, { state: config.state, now: Date.now() })
  tellMissing(certificate, log)
  const look = () => reportEnd(certificate, problems)
  const timer = setInterval(look, lookEveryMs).unref()
  closing.defer('certificate', () => clearInterval(timer))
  look()
  const names = tls.kind === 'self-signed' ? tls.names : []
  const origins = names.map((name) => `https://${name.includes(':') ? `[${name}]` : name}:${tls.port}`)
  const listening = { port: tls.port }
  const opened = (port: number) => void Object.assign(listening, { port })
  return { certificate, port: tls.port, origins, opened, health: () => describe(certificate, listening.port) }
}

function describe({ x509, selfSigned, publicFile }: Certificate, port: number): TlsHealth {
  return {
    port,
    selfSigned,
    names: namesOf(x509.subjectAltName),
    fingerprint: x509.fingerprint256,
    validTo: Date.parse(x509.validTo),
    ...(selfSigned ? { file: publicFile } : {}),
  }
}

/** Of `DNS:pi.local, IP Address:192.168.1.5`. */
function namesOf(alternatives: string | undefined): string[] {
  return (alternatives ?? '').split(', ').flatMap((entry) => /^(?:DNS|IP Address):(.+)$/.exec(entry)?.[1] ?? [])
}

/** Addresses come and go; a new certificate for each would have to be trusted anew by every client. */
function tellMissing({ x509, selfSigned, certFile }: Certificate, log: Logger): void {
  const missing = selfSigned ? ownNames().filter((name) => !standsFor(x509, name)) : []
  if (missing.length === 0) return
  const toDo = `use a name that it has, or remove ${certFile} for a new one, which clients must trust anew`
  log.warn({ missing, toDo }, 'the kept certificate does not stand for these names')
}

function reportEnd({ x509, selfSigned, certFile }: Certificate, problems: Problems): void {
  const leftMs = Date.parse(x509.validTo) - Date.now()
  if (leftMs > renewBeforeMs) {
    problems.clear('certificate', certFile)
    return
  }
  const toDo = selfSigned ? 'Start hailstream again: it makes a new one' : 'Renew it and start hailstream again'
  const state = leftMs < 0 ? 'has ended: clients refuse it' : `ends in ${Math.floor(leftMs / 86_400_000)} days`
  problems.report('certificate', { source: certFile, detail: `The certificate in ${certFile} ${state}. ${toDo}` })
}
