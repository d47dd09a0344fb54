import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { EngineError } from '../../engine/errors.ts'
import type { Job, JobLimits, NewJob } from '../../engine/jobs/job.ts'
import { JobQueue, type JobTimes } from '../../engine/jobs/job-queue.ts'
import { JobStore } from '../../engine/jobs/job-store.ts'
import type { JobTask, JobWorker } from '../../engine/jobs/job-worker.ts'
import { silentLog } from '../support/topic-packets.ts'
import { until } from '../support/wait.ts'

let folder: string
let open: (() => Promise<unknown>)[]
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hailstream-jobs-'))
  open = []
})
afterEach(async () => {
  for (const close of open.reverse()) await close()
  await rm(folder, { recursive: true })
})

/** A worker that the test lets go on, prompt by prompt. */
function scripted(answer: (text: string) => unknown = (text) => text.toUpperCase()) {
  const begun: string[] = []
  const stopped: string[] = []
  let allowed = 0
  const worker: JobWorker = async ({ input }: JobTask, signal) => {
    const text = 'text' in input ? input.text : Buffer.from(input.bytes).toString()
    const place = begun.push(text)
    try {
      await until(`leave for ${text}`, () => allowed >= place || signal.aborted, 20_000)
      signal.throwIfAborted()
    } catch (error) {
      stopped.push(text)
      throw error
    }
    return answer(text)
  }
  return { worker, begun, stopped, allow: (count = 1) => (allowed += count) }
}

interface More {
  readonly limits?: Partial<JobLimits>
  readonly times?: Partial<JobTimes>
}

async function start(worker: JobWorker, more: More = {}) {
  const changes: { readonly job: Job; readonly part: unknown }[] = []
  const store = await JobStore.open(join(folder, 'jobs.sqlite'), () => undefined)
  const times = { retryMs: 10, reportMs: 0, ...more.times }
  const queue = await JobQueue.start({
    ...{ store, workers: { language: worker, vision: worker }, log: silentLog },
    ...{ onChange: (job: Job, part?: unknown) => changes.push({ job, part }), times, limits: more.limits ?? {} },
  })
  const close = async () => {
    await queue[Symbol.asyncDispose]()
    await store[Symbol.asyncDispose]()
  }
  open.push(close)
  const ended = (id: string) =>
    until(`the end of ${id}`, async () => {
      const found = await queue.find(id)
      return found.job.finishedAt !== null && found
    })
  return { queue, store, changes, close, ended }
}

const prompts = (...texts: string[]): NewJob => ({
  ...{ kind: 'language', request: { model: 'm', sampling: {} }, batch: texts.length > 1 },
  inputs: texts.map((text) => ({ text })),
})

describe('a queue of jobs', () => {
  it('works on jobs in their order, one input at a time, and keeps what came of each', async () => {
    const { worker, begun, allow } = scripted()
    const { queue, changes, ended } = await start(worker)
    const first = await queue.submit(prompts('a', 'b'))
    const second = await queue.submit(prompts('c'))
    expect([first.status, first.total, first.done]).toEqual(['queued', 2, 0])
    await until('the first input', () => begun.length === 1)
    expect((await queue.find(first.id)).job).toMatchObject({ status: 'running', startedAt: expect.any(Number) })
    allow(3)
    await ended(second.id)
    expect(begun).toEqual(['a', 'b', 'c'])
    const { job, outcomes } = await queue.find(first.id)
    expect(job).toMatchObject({
      status: 'complete',
      total: 2,
      done: 2,
      failed: 0,
      request: { model: 'm', sampling: {} },
    })
    expect(outcomes.map(({ result }) => result)).toEqual(['A', 'B'])
    const told = changes.filter(({ job: { id } }) => id === first.id).map(({ job: { status, done } }) => [status, done])
    expect(told).toEqual([
      ['queued', 0],
      ['running', 1],
      ['complete', 2],
    ])
  })

  it('carries bytes in and out of its store unchanged', async () => {
    const seen: Buffer[] = []
    const { queue, ended } = await start(async ({ input }) => {
      if ('bytes' in input) seen.push(Buffer.from(input.bytes))
      return null
    })
    const large = new Uint8Array(3_000_000).map((_, i) => i % 251)
    const { id } = await queue.submit({
      kind: 'vision',
      request: {},
      batch: true,
      inputs: [{ bytes: large.slice() }, { bytes: Buffer.from('small') }],
    })
    await ended(id)
    expect(seen.map(({ length }) => length)).toEqual([3_000_000, 5])
    expect(seen[0]?.equals(large)).toBe(true)
  })

  it('marks what fails with its reason, and a job as failed when nothing came of it', async () => {
    const { worker, allow } = scripted((text) => {
      if (text === 'good') return 'fine'
      throw new EngineError('invalid', `Expected good, received ${text}`)
    })
    const { queue, ended } = await start(worker)
    allow(4)
    const mixed = await queue.submit(prompts('bad', 'good', 'worse'))
    const bad = await queue.submit(prompts('bad'))
    expect((await ended(mixed.id)).job).toMatchObject({ status: 'complete', done: 1, failed: 2, failure: null })
    expect((await ended(mixed.id)).outcomes[0]).toEqual({
      ...{ result: null, failure: { code: 'invalid', message: 'Expected good, received bad' } },
    })
    expect((await ended(bad.id)).job).toMatchObject({ status: 'failed', failure: { code: 'invalid' } })
  })

  it('tries again what found its worker busy', async () => {
    let tries = 0
    const { queue, ended } = await start(async () => {
      if (++tries < 3) throw new EngineError('busy', 'Too many')
      return tries
    })
    const { id } = await queue.submit(prompts('a'))
    expect((await ended(id)).outcomes).toEqual([{ result: 3, failure: null }])
  })

  it('ends an input that takes too long, and goes on', async () => {
    const { worker, allow } = scripted()
    const { queue, ended } = await start(worker, { times: { deadlineMs: 100 } })
    const slow = await queue.submit(prompts('slow'))
    expect((await ended(slow.id)).job).toMatchObject({ status: 'failed', failure: { code: 'timeout' } })
    allow(2)
    const next = await queue.submit(prompts('next'))
    expect((await ended(next.id)).job.status).toBe('complete')
  })

  it('cancels a job that waits, and one that is worked on at once', async () => {
    const { worker, begun, stopped, allow } = scripted()
    const { queue, ended } = await start(worker)
    const running = await queue.submit(prompts('a', 'b'))
    const waiting = await queue.submit(prompts('c'))
    const last = await queue.submit(prompts('d'))
    await until('the first input', () => begun.length === 1)
    expect(await queue.cancel(waiting.id)).toMatchObject({ status: 'cancelled' })
    expect(await queue.cancel(running.id)).toMatchObject({ status: 'cancelled', done: 0 })
    await until('its end', () => stopped.length === 1)
    allow(2)
    expect((await ended(last.id)).job.status).toBe('complete')
    expect(begun).toEqual(['a', 'd'])
    await expect(queue.cancel(running.id)).rejects.toMatchObject({ code: 'conflict' })
    await expect(queue.cancel('nobody')).rejects.toMatchObject({ code: 'not-found' })
  })

  it('refuses jobs beyond its bounds with busy, and takes them again later', async () => {
    const { worker, allow } = scripted()
    const { queue, ended } = await start(worker, { limits: { maxWaiting: 2, maxBytes: 100 } })
    const first = await queue.submit(prompts('a'))
    await expect(queue.submit(prompts('x'.repeat(101)))).rejects.toMatchObject({ code: 'busy' })
    await queue.submit(prompts('b'))
    await expect(queue.submit(prompts('c'))).rejects.toMatchObject({ code: 'busy' })
    allow(3)
    await ended(first.id)
    await until('room', () => queue.submit(prompts('c')).catch(() => undefined))
  })

  it('keeps so many ended jobs, and none that is too old', async () => {
    const { worker, allow } = scripted()
    allow(10)
    const { queue, ended, close } = await start(worker, { limits: { maxKept: 2 } })
    const ids: string[] = []
    for (const text of ['a', 'b', 'c', 'd']) ids.push((await queue.submit(prompts(text))).id)
    await ended(ids[3] as string)
    await until('the oldest to go', async () => (await queue.list(null, 10)).length === 2)
    expect((await queue.list('complete', 10)).map(({ id }) => id)).toEqual([ids[3], ids[2]])
    await close()
    const { queue: later } = await start(worker, { limits: { maxAgeMs: -1 } })
    expect(await later.list(null, 10)).toEqual([])
  })

  it('forgets the oldest results when they take too many bytes', async () => {
    const { worker, allow } = scripted((text) => text.repeat(40))
    allow(10)
    const { queue, ended } = await start(worker, { limits: { maxBytes: 100 } })
    for (const text of ['a', 'b', 'c']) await ended((await queue.submit(prompts(text))).id).catch(() => undefined)
    await until('the first to go', async () => (await queue.list(null, 10)).length === 2)
  })

  it('goes on after an orderly stop where it was, with the input that was under way', async () => {
    const before = scripted()
    const { queue, close } = await start(before.worker)
    const { id } = await queue.submit(prompts('a', 'b'))
    before.allow()
    await until('the second input', () => before.begun.length === 2)
    await close()
    const after = scripted()
    after.allow()
    const { ended } = await start(after.worker)
    const { job, outcomes } = await ended(id)
    expect(job).toMatchObject({ status: 'complete', done: 2 })
    expect(outcomes.map(({ result }) => result)).toEqual(['A', 'B'])
    expect(after.begun).toEqual(['b'])
  })

  it('puts a file that is no database aside, says so, and begins anew', async () => {
    await writeFile(
      join(folder, 'jobs.sqlite'),
      'This is no database, but a text that is long enough to look like one. '.repeat(50),
    )
    const reasons: string[] = []
    const store = await JobStore.open(join(folder, 'jobs.sqlite'), (reason) => reasons.push(reason))
    expect(await store.call('list', null, 10)).toEqual([])
    await store[Symbol.asyncDispose]()
    expect(reasons).toEqual([expect.stringContaining('not a database')])
    expect(await readdir(folder)).toContain('jobs.sqlite.broken')
    await expect(store.call('list', null, 10)).rejects.toMatchObject({ code: 'closed' })
  })

  it('rejects while another engine has its file', async () => {
    await start(scripted().worker)
    const opening = JobStore.open(join(folder, 'jobs.sqlite'), () => undefined)
    await expect(opening).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('Another engine'),
    })
  })

  it('rejects where its file cannot be', async () => {
    await expect(JobStore.open(folder, () => undefined)).rejects.toMatchObject({ code: 'unavailable' })
  })
})
