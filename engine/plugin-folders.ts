import { join } from 'node:path'
import type { Plugin } from './core/plugin.ts'
import { byName, loadPlugins } from './core/registry.ts'
import { loadTasks, type VisionTask, visionNodes } from './inference/vision-task.ts'

/** Every vision task of `tasks/`. Throws as `loadTasks` does. */
export function loadAllTasks(): Promise<VisionTask[]> {
  return loadTasks(folder('tasks'))
}

/** Every source, node and sink by name, those made of tasks among them. Throws as `loadPlugins` and `byName` do. */
export async function loadAllPlugins(tasks: readonly VisionTask[]): Promise<Map<string, Plugin>> {
  const plugins = await Promise.all(['sources', 'nodes', 'sinks'].map((name) => loadPlugins(folder(name))))
  return byName([...plugins.flat(), ...visionNodes(tasks)])
}

/** Folder of plug-ins beside this file: `.ts` in tests, `.js` in the built engine. */
function folder(name: string): string {
  return join(import.meta.dirname, name)
}
