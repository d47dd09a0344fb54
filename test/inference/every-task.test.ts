import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import type { DetectedObject } from '../../engine/core/packet.ts'
import { loadCatalogue, visionBackends } from '../../engine/inference/catalogue.ts'
import { loadTasks, type VisionTask } from '../../engine/inference/vision-task.ts'
import { addon } from '../../engine/native/addon.ts'
import { projectRoot } from '../../engine/root.ts'

const catalogue = loadCatalogue()
const folder = join(projectRoot, 'engine/tasks')
let tasks: VisionTask[]
beforeAll(async () => {
  tasks = await loadTasks(folder)
})

function task(name: string): VisionTask {
  const found = tasks.find((one) => one.name === name)
  if (found === undefined) throw new Error(`no task ${name}`)
  return found
}

const person: DetectedObject = { label: 'person', confidence: 0.75, bbox: [10, 20, 30, 40] }

describe('every task', () => {
  test('is a file with its name', async () => {
    expect(tasks.map(({ name }) => `${name}.ts`)).toEqual((await readdir(folder)).sort())
  })

  test.each(visionBackends)(
    'names models of its own that the catalogue has for %s, and all of them, in the same order',
    (backend) => {
      for (const { name, models } of tasks) {
        const own = catalogue.candidates(name, backend).map((model) => model.name)
        expect(own.length, name).toBeGreaterThan(0)
        expect(own).toEqual(models.filter((model) => own.includes(model)))
      }
    },
  )

  test('names no model that no backend runs', () => {
    for (const { models } of tasks)
      for (const model of models)
        expect(
          visionBackends.some((backend) => catalogue.runs(model, backend)),
          model,
        ).toBe(true)
  })

  test('in steps names models of the catalogue for each, which answer that step', () => {
    for (const step of tasks.flatMap(({ each }) => each?.steps ?? [])) {
      const own = catalogue.candidates(step.name).map((model) => model.name)
      expect(own.length, step.name).toBeGreaterThan(0)
      expect(own).toEqual(step.models.filter((model) => own.includes(model)))
    }
  })

  test('needs no options, and refuses one that it does not know', () => {
    for (const { options } of tasks) {
      expect(options.safeParse({}).success).toBe(true)
      expect(options.safeParse({ colour: 'blue' }).error?.message).toContain('colour')
    }
  })

  test('takes a model of its own by name, and names them for any other', () => {
    for (const { options, models } of tasks) {
      expect(options.parse({ model: models[0] })).toMatchObject({ model: models[0] })
      expect(options.safeParse({ model: 'gpt' }).error?.message).toContain(models.at(-1))
    }
  })

  test('reads rows of the width that its models write', () => {
    for (const one of tasks) {
      for (const entry of visionBackends.flatMap((backend) => catalogue.candidates(one.name, backend))) {
        // What the device has suppressed itself is read by no kernel of ours.
        const width = entry.plan.kernel === 'hailo-nms' ? 6 : addon().decodeWidth(entry.plan.kernel)
        const row = new Float32Array(width)
        const context = { entry, options: one.options.parse({}), ...(entry.topDown && { person }) }
        const object = one.read(row, context)
        expect(JSON.stringify(object), entry.name).not.toMatch(/null/)
        if (one.name === 'pose') expect(object?.keypoints).toHaveLength(17)
      }
    }
  })

  test('that finds people for a top-down model asks that task in its own options', () => {
    for (const one of tasks) {
      for (const { topDown } of catalogue.candidates(one.name)) {
        if (topDown === undefined) continue
        const asked = one.people?.(one.options.parse({}))
        expect(task(topDown.task).options.parse(asked)).toMatchObject({ classes: [topDown.label] })
      }
    }
  })
})

describe('the task folder', () => {
  test('is refused when a file has another name than its task', async () => {
    const other = await mkdtemp(join(tmpdir(), 'hailstream-tasks-'))
    await writeFile(join(other, 'juggle.js'), "export default { name: 'dance' }")
    await expect(loadTasks(other)).rejects.toThrow(
      /juggle\.js: Expected its default export to be the task juggle, received dance/,
    )
    await rm(other, { recursive: true })
  })
})
