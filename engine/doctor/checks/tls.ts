import { X509Certificate } from 'node:crypto'
import type { Config } from '../../config.ts'
import { messageOf } from '../../errors.ts'
import { renewBeforeMs } from '../../tls/certificate.ts'
import { Accounts, forbiddenPlace } from '../accounts.ts'
import { error, type Finding, ok, warning } from '../finding.ts'
import type { System } from '../system.ts'

/** Whether the certificate of `listen.tls` is there, can be read by who runs the engine, and lasts. */
export async function checkTls(system: System, { listen: { tls }, state }: Config): Promise<Finding[]> {
  if (tls === null) return []
  if (tls.kind === 'self-signed')
    return [ok('tls', `port ${tls.port}, by a certificate that the engine makes and keeps in ${state}/tls.pem`)]
  const person = await (await Accounts.read(system)).runnerOf(state)
  for (const [key, file] of [['cert', tls.cert] as const, ['key', tls.key] as const]) {
    const place = (await system.stat(file)) === undefined ? undefined : await forbiddenPlace(system, file, person)
    if (place === undefined) continue
    const detail = `${person.name} may not read listen.tls.${key} ${file}: ${place} forbids it`
    return [error('tls', { detail, fix: `sudo chown ${person.name}: ${file} && sudo chmod 600 ${file}` })]
  }
  return [await checkFiles(system, tls)]
}

async function checkFiles(
  system: System,
  { port, cert, key }: { port: number; cert: string; key: string },
): Promise<Finding> {
  const fix = 'Put files with a certificate and its key (PEM, no password) there, or set listen.tls to self-signed'
  for (const [name, file] of [['cert', cert] as const, ['key', key] as const])
    if ((await system.stat(file)) === undefined)
      return error('tls', { detail: `Expected a file at ${file} (listen.tls.${name}), which is not there`, fix })
  try {
    const endsAt = Date.parse(new X509Certificate((await system.read(cert)) ?? '').validTo)
    const leftMs = endsAt - system.now()
    const end = new Date(endsAt).toISOString().slice(0, 10)
    if (leftMs > renewBeforeMs) return ok('tls', `port ${port}, by the certificate ${cert}, which ends on ${end}`)
    const detail = `The certificate ${cert} ${leftMs < 0 ? 'ended' : 'ends'} on ${end}`
    return (leftMs < 0 ? error : warning)('tls', { detail, fix: 'Renew it and start hailstream again' })
  } catch (failure) {
    return error('tls', { detail: `Expected a certificate as PEM in ${cert}: ${messageOf(failure)}`, fix })
  }
}
