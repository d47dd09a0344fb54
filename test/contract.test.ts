import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { checkPipeline } from '../engine/core/check-pipeline.ts'
import { parsePipeline } from '../engine/core/graph.ts'
import type { Node, Plugin, Sink } from '../engine/core/plugin.ts'
import { byName, loadPlugins } from '../engine/core/registry.ts'
import { loadTasks, visionNodes } from '../engine/inference/vision-task.ts'
import { projectRoot } from '../engine/root.ts'

// Walks the folders: a new plug-in or pipeline is tested by being there.
const folder = (name: string) => join(projectRoot, 'engine', name)
const plugins = byName([
  ...(await loadPlugins(folder('sources'))),
  ...(await loadPlugins(folder('nodes'))),
  ...(await loadPlugins(folder('sinks'))),
  ...visionNodes(await loadTasks(folder('tasks'))),
])
const kinds = ['image', 'audio', 'objects', 'map', 'text', 'event']

function inputKinds({ accepts }: Node | Sink): string[] {
  if (typeof accepts === 'string' || Array.isArray(accepts)) return [accepts].flat()
  return Object.values(accepts as Record<string, string | { kind: string }>).map((input) =>
    typeof input === 'string' ? input : input.kind,
  )
}

describe.each([...plugins.values()].map((plugin: Plugin) => [plugin.name, plugin] as const))('%s', (name, plugin) => {
  it('says what it is, what it takes and what it gives', () => {
    expect(name).toMatch(/^[a-z][a-z0-9-]*$/)
    expect(plugin.summary).toMatch(/^[A-Z].*\.$/)
    if (plugin.type !== 'sink') expect([...kinds, 'same', 'nothing']).toContain(plugin.emits)
    if (plugin.type !== 'source') for (const kind of inputKinds(plugin)) expect(kinds).toContain(kind)
    const outputs = plugin.type === 'node' ? Object.entries(plugin.outputs ?? {}) : []
    for (const [output, kind] of outputs)
      expect([output, ['text', 'audio', 'event', 'objects']]).toEqual([
        expect.stringMatching(/^[a-z][a-z0-9-]*$/),
        expect.arrayContaining([kind]),
      ])
  })

  it('refuses an option that it does not know, and describes its options as a JSON schema', () => {
    expect(plugin.options.safeParse({ nonsense: 1 }).error?.issues.map(({ code }) => code)).toContain(
      'unrecognized_keys',
    )
    expect(z.toJSONSchema(plugin.options, { io: 'input' })).toMatchObject({ type: 'object' })
  })

  it('lets change while it runs only options that it has', () => {
    const { properties = {} } = z.toJSONSchema(plugin.options, { io: 'input' })
    const { tunable = [] } = plugin as Node
    expect(Object.keys(properties)).toEqual(expect.arrayContaining([...tunable]))
  })

  it('is in the README', () => {
    expect(readFileSync(join(projectRoot, 'README.md'), 'utf8')).toContain(`| \`${name}\` |`)
  })
})

describe('pipelines', () => {
  const texts = readdirSync(join(projectRoot, 'pipelines')).map((file) => {
    return [file, readFileSync(join(projectRoot, 'pipelines', file), 'utf8')] as const
  })

  it.each(texts)('%s builds, and has the name of its file', (file, text) => {
    const spec = parsePipeline(text, file)
    expect(checkPipeline(spec, plugins)).toHaveLength(Object.keys(spec.streams).length)
    expect(`${spec.name}.yaml`).toBe(basename(file))
  })

  it('builds the one of the README', () => {
    const [, text = ''] = /```yaml\n(name:[\s\S]*?)```/.exec(readFileSync(join(projectRoot, 'README.md'), 'utf8')) ?? []
    expect(checkPipeline(parsePipeline(text, 'README.md'), plugins).length).toBeGreaterThan(0)
  })
})
