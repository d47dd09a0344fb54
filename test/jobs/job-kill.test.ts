import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Job, JobOutcome } from '../../engine/jobs/job.ts'
import { JobStore } from '../../engine/jobs/job-store.ts'
import { projectRoot } from '../../engine/root.ts'
import { until } from '../support/wait.ts'

let folder: string
let file: string
const children: ChildProcess[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hailstream-jobs-'))
  file = join(folder, 'jobs.sqlite')
})
afterEach(async () => {
  for (const child of children.splice(0)) await kill(child)
  await rm(folder, { recursive: true })
})

/** A queue in a process of its own. */
function start(...prompts: string[]) {
  const script = join(projectRoot, 'test/support/job-child.mjs')
  const child = spawn(process.execPath, [script, file, ...prompts], { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  let text = ''
  child.stdout.on('data', (chunk) => {
    text += chunk
  })
  const lines = () => text.split('\n')
  const hear = (line: string | RegExp) =>
    until(
      `${line} (heard: ${text})`,
      () => lines().find((said) => (typeof line === 'string' ? said === line : line.test(said))),
      20_000,
    )
  return { child, lines, hear }
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

async function read(id: string): Promise<{ job: Job | null; outcomes: readonly JobOutcome[] }> {
  const store = await JobStore.open(file, () => undefined)
  try {
    return { job: await store.call('job', id), outcomes: await store.call('outcomes', id) }
  } finally {
    await store[Symbol.asyncDispose]()
  }
}

it('finishes every input once although it is killed in the middle, and keeps the results that were there', async () => {
  const first = start('1 a', '1 b', '600000 c')
  const id = (await first.hear(/^submitted /)).split(' ')[1] as string
  await first.hear('begin 600000 c')
  await kill(first.child)
  const { job, outcomes } = await read(id)
  expect(job).toMatchObject({ status: 'running', done: 2, total: 3 })
  expect(outcomes.map(({ result }) => result)).toEqual([{ text: '1 A' }, { text: '1 B' }, null])

  const second = start()
  await second.hear('begin 600000 c')
  expect(second.lines().filter((line) => line.startsWith('begin'))).toEqual(['begin 600000 c'])
})

it('marks an input as failed, with the reason, that was under way at two ends of the engine, and goes on with the next', async () => {
  const first = start('600000 a', '1 b')
  const id = (await first.hear(/^submitted /)).split(' ')[1] as string
  await first.hear('begin 600000 a')
  await kill(first.child)
  const second = start()
  await second.hear('begin 600000 a')
  await kill(second.child)
  const third = start()
  await third.hear(`change ${id} complete 1`)
  await kill(third.child)
  const { job, outcomes } = await read(id)
  expect(job).toMatchObject({ status: 'complete', done: 1, failed: 1, finishedAt: expect.any(Number) })
  expect(outcomes[0]?.failure).toEqual({ code: 'internal', message: expect.stringContaining('ended 2 times') })
  expect(outcomes[1]?.result).toEqual({ text: '1 B' })
  expect(third.lines().filter((line) => line.startsWith('begin'))).toEqual(['begin 1 b'])
})

it('loses no job that it had answered for, whenever it is killed', async () => {
  const prompts = Array.from({ length: 30 }, (_, i) => `1 ${i}`)
  const first = start(...prompts)
  const id = (await first.hear(/^submitted /)).split(' ')[1] as string
  await first.hear(/begin 1 1\d/)
  await kill(first.child)
  const second = start()
  await second.hear(new RegExp(`change ${id} complete 30`))
  await kill(second.child)
  const { outcomes } = await read(id)
  expect(outcomes.map(({ result }) => result)).toEqual(prompts.map((text) => ({ text: text.toUpperCase() })))
  // At most the one under way was begun twice.
  const begun = [...first.lines(), ...second.lines()].filter((line) => line.startsWith('begin'))
  expect(begun.length).toBeLessThanOrEqual(31)
  expect(new Set(begun).size).toBe(30)
})
