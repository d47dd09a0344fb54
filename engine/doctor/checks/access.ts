import type { Config } from '../../config.ts'
import { isLoopback } from '../../token.ts'
import { Accounts, forbiddenPlace } from '../accounts.ts'
import { error, type Finding, ok, warning } from '../finding.ts'
import type { System } from '../system.ts'

/** Whether other machines can connect without showing a token, and whether the token's file is as it should be. */
export async function checkAccess(system: System, config: Config): Promise<Finding[]> {
  const { host, access, tokenFile } = config.listen
  if (config.token !== null) return [ok('access', 'other machines must show HAILSTREAM_TOKEN')]
  if (tokenFile !== null) return checkTokenFile(system, tokenFile, config.state)
  if (isLoopback(host)) return [ok('access', `${host}: this machine alone can connect`)]
  if (access !== 'open')
    return [ok('access', `${host}: other machines must show the token that the engine keeps in ${config.state}/token`)]
  const detail = `Everybody who reaches ${host} may see cameras and change pipelines: access is open, and there is no token`
  return [error('access', { detail, fix: 'Take out access: open; the engine then makes a token in its state folder' })]
}

async function checkTokenFile(system: System, file: string, state: string): Promise<Finding[]> {
  const found = await system.stat(file)
  const person = await (await Accounts.read(system)).runnerOf(state)
  const own = `sudo chown ${person.name}: ${file} && sudo chmod 600 ${file}`
  const trouble = (detail: string, fix: string) => [error('access', { detail, fix })]
  const make = `openssl rand -hex 24 | sudo tee ${file} >/dev/null && ${own}`
  if (found === undefined) return trouble(`Expected a token in ${file}, which is not there`, make)
  if (found.size === 0) return trouble(`Expected a token in ${file}, which is empty`, make)
  const place = await forbiddenPlace(system, file, person)
  if (place !== undefined) return trouble(`${person.name} may not read the token in ${file}: ${place} forbids it`, own)
  if ((found.mode & 0o077) === 0) return [ok('access', `other machines must show the token in ${file}`)]
  const detail = `Others may read the token in ${file} (mode ${found.mode.toString(8)})`
  return [warning('access', { detail, fix: own })]
}
