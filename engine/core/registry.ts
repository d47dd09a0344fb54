import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { EngineError } from '../errors.ts'
import type { Plugin } from './plugin.ts'

const types = ['source', 'node', 'sink']
const isPluginFile = (file: string) => /\.(ts|js)$/.test(file) && !file.endsWith('.d.ts')

/** The default exports of all files of a folder, by name. Throws `invalid` for a file that exports no plug-in of its own name. */
export async function loadPlugins(folder: string): Promise<Plugin[]> {
  const files = (await readdir(folder)).filter(isPluginFile).sort()
  return Promise.all(files.map((file) => loadPlugin(join(folder, file))))
}

async function loadPlugin(file: string): Promise<Plugin> {
  const { default: plugin } = (await import(pathToFileURL(file).href)) as { default?: Partial<Plugin> }
  const name = basename(file).replace(/\.(ts|js)$/, '')
  if (plugin?.name !== name) throw unfit(file, `the plug-in ${name}`, plugin?.name)
  if (!types.includes(plugin.type ?? '')) throw unfit(file, `a type of ${types.join(', ')}`, plugin.type)
  if (typeof plugin.options?.safeParse !== 'function')
    throw unfit(file, 'options that are a zod schema', typeof plugin.options)
  return plugin as Plugin
}

function unfit(file: string, expected: string, received: unknown): EngineError {
  return new EngineError(
    'invalid',
    `${file}: Expected its default export to have ${expected}, received ${String(received ?? 'none')}`,
  )
}

/** Plug-ins of several folders by name. Throws `conflict` when two have the same. */
export function byName(plugins: readonly Plugin[]): Map<string, Plugin> {
  const map = new Map<string, Plugin>()
  for (const plugin of plugins) {
    const other = map.get(plugin.name)
    if (other !== undefined)
      throw new EngineError(
        'conflict',
        `Expected plug-ins of different names, received a ${other.type} and a ${plugin.type} named ${plugin.name}`,
      )
    map.set(plugin.name, plugin)
  }
  return map
}
