import { join } from 'node:path'
import type { Config } from '../../config.ts'
import { backendsOf, type Catalogue, loadCatalogue } from '../../inference/catalogue.ts'
import { type ModelStatus, ModelStore } from '../../inference/model-store.ts'
import { createLog } from '../../log.ts'
import { projectRoot } from '../../root.ts'
import { Accounts, forbiddenPlace, type Person, serviceUser } from '../accounts.ts'
import { configuredStreams } from '../configured.ts'
import { error, type Finding, ok, warning } from '../finding.ts'
import type { System } from '../system.ts'

/** Whether every task of the configured pipelines has a model here, and every model that is to be preloaded or pinned. */
export async function checkModels(system: System, config: Config): Promise<Finding[]> {
  const accounts = await Accounts.read(system)
  const folder = join(config.state, 'models')
  if (system.own.uid !== 0 && (await forbiddenPlace(system, folder, accounts.caller())) !== undefined) {
    const fix = `sudo -E ${system.own.nodePath} ${join(projectRoot, 'dist/engine/main.js')} doctor`
    return [warning('models', { detail: `You may not look into ${folder}: nothing is known of models`, fix })]
  }
  const catalogue = loadCatalogue()
  const { paths, mirror } = config.models
  const store = new ModelStore({ catalogue, stateFolder: config.state, paths, mirror, log: createLog('error') })
  const found = await store.status().finally(() => store[Symbol.asyncDispose]())
  const statuses = new Map(found.map((status) => [status.name, status]))
  const person = await accounts.runnerOf(config.state)
  const known = { catalogue, statuses, pull: pullCommand(system, person, config), mirror }
  const tasks = new Set(configuredStreams(config).flatMap((stream) => ('node' in stream ? [stream.node] : [])))
  const named = new Set([...config.models.preload, ...config.models.pin])
  return [
    ...[...tasks].flatMap((task) => checkTask(task, known)),
    ...[...named].map((name) => checkNamed(name, known)),
    ...(await checkRights(system, config, person)),
  ]
}

/** What is known of models, and how to get them. */
export interface Known {
  readonly catalogue: Catalogue
  readonly statuses: ReadonlyMap<string, ModelStatus>
  /** The command that fetches models, without their names. */
  readonly pull: string
  readonly mirror: string | null
}

/** What the service is to read is fetched by its user, into its folder. */
function pullCommand({ own }: System, person: Person, { state }: Config): string {
  const pull = `${own.nodePath} ${join(projectRoot, 'dist/engine/main.js')} models pull`
  return person.name === serviceUser ? `sudo -u ${serviceUser} env HAILSTREAM_STATE=${state} ${pull}` : pull
}

/** Whether a task has a model here, or at least a mirror that the engine will ask. Nodes that are no task have no models. */
export function checkTask(task: string, { catalogue, statuses, pull, mirror }: Known): Finding[] {
  const names = catalogue.candidates(task).map(({ name }) => name)
  const [first] = names
  if (first === undefined) return []
  const found = names.filter((name) => statuses.get(name)?.state === 'available')
  if (found.length > 0) return [ok('models', `${task}: ${found.join(', ')}`)]
  const detail = `No model for ${task}: ${names.map((name) => `${name}: ${statuses.get(name)?.why}`).join('; ')}`
  const tell = mirror !== null && isAddress(mirror) ? warning : error
  return [tell('models', { detail, fix: `${pull} ${first}` })]
}

function checkNamed(name: string, { catalogue, statuses, pull }: Known): Finding {
  const status = statuses.get(name)
  const model = catalogue.models.find((one) => one.name === name)
  if (status === undefined && model !== undefined) {
    const detail = `${name} is to stay loaded, but this version runs nothing of it: it is there for ${backendsOf(model).join(' and ')} only`
    return warning('models', { detail, fix: 'Take it out of models.preload and models.pin' })
  }
  if (status === undefined) {
    const detail = `models.preload or models.pin names ${name}, which the catalogue lacks`
    return error('models', { detail, fix: `Name a model of: ${pull.replace(/pull$/, 'list')}` })
  }
  if (status.state === 'available') return ok('models', `${name}: ${status.why}`)
  return error('models', { detail: `${name} is to stay loaded, but ${status.why}`, fix: `${pull} ${name}` })
}

/** Files of models that the engine's user may not read, and folders that are configured and not there. */
async function checkRights(system: System, config: Config, person: Person): Promise<Finding[]> {
  const {
    state,
    models: { paths, mirror },
  } = config
  const local = mirror === null || isAddress(mirror) ? paths : [...paths, mirror]
  const findings: Finding[] = []
  for (const folder of local)
    if ((await system.stat(folder)) === undefined) {
      const detail = `The folder of models ${folder} is not there`
      findings.push(warning('models', { detail, fix: `sudo mkdir -p ${folder}  # or take it out of models.paths` }))
    }
  for (const folder of [...local, join(state, 'models')]) {
    const place = await firstForbidden(system, folder, person)
    if (place === undefined) continue
    const fix = `sudo chmod -R o+rX ${place}`
    findings.push(
      error('models', { detail: `${person.name} may not read models in ${folder}: ${place} forbids it`, fix }),
    )
  }
  return findings
}

async function firstForbidden(system: System, folder: string, person: Person): Promise<string | undefined> {
  const names = (await system.list(folder)) ?? []
  for (const path of [folder, ...names.map((name) => join(folder, name))]) {
    const place = await forbiddenPlace(system, path, person)
    if (place !== undefined) return place
  }
  return undefined
}

function isAddress(mirror: string): boolean {
  return /^https?:/.test(mirror)
}
