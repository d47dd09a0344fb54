import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { Host, type HostOptions } from '../../engine/hosts/host.ts'
import type { Protocol } from '../../engine/hosts/protocol.ts'
import { projectRoot } from '../../engine/root.ts'
import { createSharedPool, testLog } from '../support/shared-pool.ts'
import { until } from '../support/wait.ts'

interface TrialProtocol extends Protocol {
  calls: {
    echo: { params: unknown; result: unknown }
    wait: { params: object; result: never }
    block: { params: object; result: never }
    die: { params: { status: number }; result: never }
    fill: { params: { slot: number; value: number }; result: object }
    print: { params: { lines: number }; result: object }
    describe: { params: object; result: { env: Record<string, string>; pid: number } }
    ping: { params: Record<string, never>; result: { readonly now: bigint } }
  }
  streams: { count: { params: number; item: number } }
  toHost: { hello: string }
  toEngine: { news: string }
}

const entry = join(projectRoot, 'test/hosts/trial-host.mjs')
const pool = createSharedPool(8, 65_536)
const opened: Host<TrialProtocol>[] = []

function open(options: Partial<HostOptions> = {}): Host<TrialProtocol> {
  const host = new Host<TrialProtocol>({ name: 'trial', entry, pool, log: testLog, restart: false, ...options })
  opened.push(host)
  return host
}

async function up(options: Partial<HostOptions> = {}): Promise<Host<TrialProtocol>> {
  const host = open(options)
  await host.start()
  return host
}

const soon = () => ({ signal: new AbortController().signal, deadlineMs: 5000 })
const runs = (pid: number) => existsSync(`/proc/${pid}`) && !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')

/** Nothing else runs in this process meanwhile: no timer, no message. */
const blockThread = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

afterEach(async () => {
  await Promise.all(opened.splice(0).map((host) => host[Symbol.asyncDispose]()))
  expect(pool.ledger.stats()).toMatchObject({ lent: 0, held: 0 })
})

describe('a host', () => {
  it('answers calls, streams and events, and keeps typed arrays and bigints', async () => {
    const host = await up()
    const value = { rows: new Float32Array([1, 2]), time: 5n }
    expect(await host.call('echo', value, soon())).toEqual(value)
    const items: number[] = []
    for await (const item of host.stream('count', 3, soon())) items.push(item)
    expect(items).toEqual([0, 1, 2])
    const news: string[] = []
    host.on('news', (text) => void news.push(text))
    host.tell('hello', 'greetings')
    await until('news', () => news.length === 1)
    expect(news).toEqual([`greetings from ${host.pid}`])
    expect(host.status).toEqual({ name: 'trial', pid: host.pid, state: 'up', restarts: 0 })
  })

  it('writes into the slots of the engine, and keeps no descriptor of them', async () => {
    const host = await up()
    const [loan] = await pool.ledger.acquire(host.borrower, 1, soon().signal, 100)
    const { answer, settled } = host.begin('fill', { slot: loan!.slot, value: 42 }, soon())
    await answer
    await settled
    pool.ledger.settle(loan!.loan)
    expect([...pool.memory.read(loan!.slot, 0, 16)]).toEqual(Array(16).fill(42))
    const files = readdirSync(`/proc/${host.pid}/fd`).map((fd) => readlinkSync(`/proc/${host.pid}/fd/${fd}`))
    expect(files.filter((file) => file.includes('memfd'))).toEqual([])
  })

  it('gives way to the engine, and does not know its token', async () => {
    process.env.HAILSTREAM_TOKEN = 'secret'
    const host = await up()
    delete process.env.HAILSTREAM_TOKEN
    const { env } = await host.call('describe', {}, soon())
    expect(env.HAILSTREAM_TOKEN).toBeUndefined()
    expect(readFileSync(`/proc/${host.pid}/oom_score_adj`, 'utf8').trim()).toBe('500')
    const threads = readdirSync(`/proc/${host.pid}/task`).map((thread) => `/proc/${host.pid}/task/${thread}/stat`)
    const niceness = threads.map((stat) => readFileSync(stat, 'utf8').split(') ')[1]?.split(' ')[16])
    expect(new Set(niceness)).toEqual(new Set(['10']))
  })

  it('outlives SIGINT and SIGTERM', async () => {
    const host = await up()
    process.kill(host.pid!, 'SIGINT')
    process.kill(host.pid!, 'SIGTERM')
    expect(await host.call('echo', 1, soon())).toBe(1)
  })

  it('is killed when it leaves a call unanswered past its deadline, and its loans end with it, not before', async () => {
    const host = await up()
    const { pid, borrower } = host
    await pool.ledger.acquire(borrower, 2, soon().signal, 100)
    const { answer, settled } = host.begin('block', {}, { ...soon(), deadlineMs: 200 })
    const exits: [string, number][] = []
    host.onExit((who) => void exits.push([who, pool.ledger.stats().lent]))
    await expect(answer).rejects.toMatchObject({ code: 'timeout' })
    expect(pool.ledger.stats().lent).toBe(2)
    await settled
    expect(exits).toEqual([[borrower, 0]])
    expect(runs(pid!)).toBe(false)
    await expect(host.call('echo', 1, soon())).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('is killed when it does not answer pings', async () => {
    const host = await up({ timing: { pingEveryMs: 50, pingMs: 200 } })
    const { pid } = host
    process.kill(pid!, 'SIGSTOP')
    await until('the end of the stopped host', () => host.state === 'down', 3000)
    expect(runs(pid!)).toBe(false)
  })

  it('is not killed for an answer that lies in the pipe while this process is busy, of a call or of a ping', async () => {
    const host = await up({ timing: { pingEveryMs: 20, pingMs: 1000 } })
    const { pid } = host
    for (let i = 0; i < 2; i++) {
      const answer = host.call('echo', i, { ...soon(), deadlineMs: 1000 })
      blockThread(1500)
      expect(await answer).toBe(i)
    }
    expect(host.status).toMatchObject({ pid, state: 'up' })
  })

  it('rejects what is open with unavailable when it dies, and is started again under a new name', async () => {
    const host = await up({ restart: true })
    const before = host.borrower
    const waiting = host.call('wait', {}, soon())
    process.kill(host.pid!, 'SIGKILL')
    await expect(waiting).rejects.toMatchObject({ code: 'unavailable' })
    await until('the restart', () => host.restarts === 1 && host.state === 'up')
    expect(host.borrower).not.toBe(before)
    const news: string[] = []
    host.on('news', (text) => void news.push(text))
    host.tell('hello', 'again')
    await until('news from the new one', () => news.length === 1)
  })

  it('is started again at once when it lived for longer than the wait', async () => {
    const host = await up({ restart: true })
    for (const [failuresBefore, waitMs] of [0, 500, 1000].entries()) {
      const startedAt = performance.now()
      await until('a life longer than the wait', () => performance.now() > startedAt + waitMs)
      const { pid } = host
      process.kill(pid!, 'SIGKILL')
      await until('its end', () => host.pid !== pid)
      await until('the start of the next', () => host.restarts === failuresBefore + 1, 400)
      await host.start()
    }
  })

  it('keeps on starting one that dies at its start, more and more slowly, and tells who asked', async () => {
    const host = open({ restart: true, env: { TRIAL_DIES: '1' } })
    await expect(host.start()).rejects.toMatchObject({ code: 'unavailable' })
    await until('the second restart', () => host.restarts === 2, 4000)
    expect(host.state).toBe('restarting')
  })

  it('gives up on one that is not ready in time', async () => {
    const host = open({ env: { TRIAL_BLOCKS: '1' }, timing: { readyMs: 400 } })
    await expect(host.start()).rejects.toMatchObject({ code: 'unavailable' })
    await until('its end', () => host.pid === undefined)
  })

  it('is ended by disposal, twice, even when it is stopped or does not want to leave', async () => {
    const stopped = await up({ timing: { endMs: 200 } })
    const stubborn = await up({ env: { TRIAL_STAYS: '1' }, timing: { endMs: 200 } })
    const pids = [stopped.pid!, stubborn.pid!]
    process.kill(stopped.pid!, 'SIGSTOP')
    await Promise.all([stopped, stubborn, stopped].map((host) => host[Symbol.asyncDispose]()))
    expect(pids.map(runs)).toEqual([false, false])
    await expect(stopped.start()).rejects.toMatchObject({ code: 'closed' })
    await expect(stopped.call('echo', 1, soon())).rejects.toMatchObject({ code: 'closed' })
  })

  it.each([
    ['idle', entry, 'idle'],
    ['busy', entry, 'block'],
    ['a capture host', 'capture', 'idle'],
  ])('dies within a second of an engine that was killed, when it is %s', async (_, script, how) => {
    const parent = spawn(process.execPath, [join(projectRoot, 'test/hosts/orphan-parent.mjs'), script, '{}', how], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let printed = ''
    parent.stdout.on('data', (text: Buffer) => {
      printed += text
    })
    await until('the host', () => printed.includes('\n'))
    const pid = Number(printed)
    expect(runs(pid)).toBe(true)
    parent.kill('SIGKILL')
    await until('the end of the orphan', () => !runs(pid), 1000)
  })
})
