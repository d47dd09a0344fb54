import { join } from 'node:path'
import type { Config } from '../../config.ts'
import { checkPipeline } from '../../core/check-pipeline.ts'
import type { Plugin } from '../../core/plugin.ts'
import { EngineError } from '../../errors.ts'
import { readPipeline } from '../../pipeline-set.ts'
import { loadAllPlugins, loadAllTasks } from '../../plugin-folders.ts'
import { Accounts, forbiddenPlace } from '../accounts.ts'
import { error, type Finding, ok, warning } from '../finding.ts'
import type { System } from '../system.ts'

/** Whether each configured pipeline can be read and fits the plug-ins, and every user of the engine may read its file. */
export async function checkPipelines(system: System, config: Config): Promise<Finding[]> {
  if (config.pipelines.length === 0) {
    const fix = 'Name one in hailstream.yaml: pipelines: [demo]'
    return [warning('pipelines', { detail: 'No pipeline is configured: only requests are answered', fix })]
  }
  const plugins = await loadAllPlugins(await loadAllTasks())
  const findings: Finding[] = []
  for (const entry of config.pipelines) {
    const file = typeof entry === 'string' ? join(config.pipelinesFolder, `${entry}.yaml`) : undefined
    const unreadable = file === undefined ? undefined : await tellUnreadable(system, file, config)
    findings.push(unreadable ?? checkEntry(entry, config.pipelinesFolder, plugins))
  }
  return findings
}

function checkEntry(
  entry: string | Readonly<Record<string, unknown>>,
  folder: string,
  plugins: ReadonlyMap<string, Plugin>,
): Finding {
  try {
    const spec = readPipeline(entry, folder)
    return ok('pipelines', `${spec.name}: ${checkPipeline(spec, plugins).length} streams`)
  } catch (failure) {
    if (!(failure instanceof EngineError)) throw failure
    const fix =
      failure.code === 'not-found'
        ? `Name a pipeline that is there: ls ${folder}`
        : 'Mend the named place of the pipeline; the README tells what may stand there: "Write a pipeline"'
    return error('pipelines', { detail: failure.message, fix })
  }
}

async function tellUnreadable(system: System, file: string, { state }: Config): Promise<Finding | undefined> {
  const person = await (await Accounts.read(system)).runnerOf(state)
  const place = await forbiddenPlace(system, file, person)
  if (place === undefined) return undefined
  const detail = `${person.name} may not read ${file}: ${place} forbids it`
  return error('pipelines', { detail, fix: `sudo chmod o+rX ${place}` })
}
