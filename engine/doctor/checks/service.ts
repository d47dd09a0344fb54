import { join } from 'node:path'
import type { Config } from '../../config.ts'
import { projectRoot } from '../../root.ts'
import { error, type Finding, ok, warning } from '../finding.ts'
import { hasSystemd } from '../machine.ts'
import { printedBy, type System } from '../system.ts'

const unitFile = '/etc/systemd/system/hailstream.service'
const properties = ['LoadState', 'UnitFileState', 'ActiveState', 'Result', 'ExecMainStatus', 'NRestarts', 'Environment']
/** More than that since the last start by hand, and something keeps ending it. */
const fewRestarts = 3
const exitInvalid = 2
/** systemd's own: the program is not there, or may not be run. */
const exitExec = 203
const seeJournal = 'sudo journalctl -u hailstream -e -n 50'
const restart = 'sudo systemctl restart hailstream'

/** Whether the service is installed, starts with the machine, runs, and with which settings. */
export async function checkService(system: System, config: Config): Promise<Finding[]> {
  if (!(await hasSystemd(system))) return [ok('service', 'no systemd here: the engine is started by hand')]
  if ((await system.stat(unitFile)) === undefined)
    return [ok('service', 'not installed: the engine is started by hand (to install it: sudo sh systemd/install.sh)')]
  const outcome = await system.run(['systemctl', 'show', 'hailstream.service', `--property=${properties.join(',')}`])
  const unit = parseProperties(printedBy(outcome) ?? '')
  return [...checkState(unit), ...checkSettings(unit.Environment ?? '', config, system.own.nodePath)]
}

type Properties = Readonly<Partial<Record<string, string>>>

function parseProperties(text: string): Properties {
  const pairs = text.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)])
  return Object.fromEntries(pairs) as Properties
}

function checkState(unit: Properties): Finding[] {
  const { LoadState, UnitFileState, ActiveState = 'unknown', Result } = unit
  const [status, restarts] = [Number(unit.ExecMainStatus), Number(unit.NRestarts)]
  if (LoadState !== 'loaded') {
    const detail = `systemd did not load the unit: ${LoadState ?? 'it tells nothing'}`
    return [error('service', { detail, fix: 'sudo systemctl daemon-reload && sudo systemctl restart hailstream' })]
  }
  if (ActiveState === 'failed') return [tellFailed(status, Result ?? '')]
  const findings: Finding[] = []
  if (UnitFileState !== 'enabled')
    findings.push(
      warning('service', { detail: 'It does not start with the machine', fix: 'sudo systemctl enable hailstream' }),
    )
  if (ActiveState !== 'active')
    findings.push(warning('service', { detail: `It does not run: ${ActiveState}`, fix: `${restart} && ${seeJournal}` }))
  if (restarts > fewRestarts)
    findings.push(
      warning('service', { detail: `It was started again ${restarts} times`, fix: `See why: ${seeJournal}` }),
    )
  return findings.length > 0 ? findings : [ok('service', 'enabled and active')]
}

function tellFailed(status: number, result: string): Finding {
  if (status === exitInvalid) {
    const detail = 'It ended for a mistake in the settings, which its journal names'
    return error('service', { detail, fix: `${seeJournal}  # mend it, then: ${restart}` })
  }
  if (status === exitExec) {
    const detail = 'Its program could not be run: Node is not where the unit says'
    return error('service', {
      detail,
      fix: 'In the folder that hailstream was installed from: sudo env "PATH=$PATH" sh systemd/install.sh',
    })
  }
  return error('service', { detail: `It failed: ${result}, exit status ${status}`, fix: `${seeJournal}; ${restart}` })
}

/** The doctor is easily called without the service's variables, and then looks at other folders than the service uses. */
function checkSettings(environment: string, { state }: Config, nodePath: string): Finding[] {
  const theirs = /(?:^| )HAILSTREAM_STATE=(\S+)/.exec(environment)?.[1]
  if (theirs === undefined || theirs === state) return []
  const variables = environment.split(' ').filter((one) => one.startsWith('HAILSTREAM_'))
  const detail = `The service keeps its files in ${theirs}, and the doctor looked at ${state}: settings differ`
  const doctor = `${nodePath} ${join(projectRoot, 'dist/engine/main.js')} doctor`
  return [warning('service-settings', { detail, fix: `sudo env ${variables.join(' ')} ${doctor}` })]
}

/** Whether the journal outlives a restart of the machine. */
export async function checkJournal(system: System): Promise<Finding[]> {
  if (!(await hasSystemd(system))) return []
  if ((await system.stat('/var/log/journal')) !== undefined) {
    const volatile = await storesInMemory(system)
    if (!volatile) return [ok('journal', 'kept in /var/log/journal')]
  }
  const folder = '/etc/systemd/journald.conf.d'
  const fix = `sudo mkdir -p ${folder} && printf '[Journal]\\nStorage=persistent\\n' | sudo tee ${folder}/90-keep.conf && sudo systemctl restart systemd-journald`
  return [
    warning('journal', {
      detail: 'The journal is lost at each start of the machine: what went wrong before cannot be seen',
      fix,
    }),
  ]
}

/** Raspberry Pi OS says so in a file of its own; what sorts last counts. */
async function storesInMemory(system: System): Promise<boolean> {
  const folders = ['/etc/systemd/journald.conf.d', '/usr/lib/systemd/journald.conf.d']
  const files = await Promise.all(
    folders.map(async (folder) =>
      ((await system.list(folder)) ?? []).map((name) => ({ name, path: `${folder}/${name}` })),
    ),
  )
  let storage = /^Storage=(\w+)/m.exec((await system.read('/etc/systemd/journald.conf')) ?? '')?.[1]
  for (const { path } of files.flat().sort((a, b) => a.name.localeCompare(b.name)))
    storage = /^Storage=(\w+)/m.exec((await system.read(path)) ?? '')?.[1] ?? storage
  return storage === 'volatile' || storage === 'none'
}
