import * as childProcess from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { EngineError } from '../../engine/errors.ts'
import { Host } from '../../engine/hosts/host.ts'
import type { Protocol } from '../../engine/hosts/protocol.ts'
import { projectRoot } from '../../engine/root.ts'
import { createSharedPool, testLog } from '../support/shared-pool.ts'
import { until } from '../support/wait.ts'

vi.mock('node:child_process', { spy: true })

const spawn = vi.mocked(childProcess.spawn)
const kill = vi.spyOn(process, 'kill')
const entry = join(projectRoot, 'test/hosts/trial-host.mjs')
const pool = createSharedPool(8, 4096)
const descriptors = () => readdirSync('/proc/self/fd').length

/** What the kernel says by way of Node: thrown, where it is for want of memory. */
function refuse(code: string): void {
  spawn.mockImplementationOnce(() => {
    throw Object.assign(new Error(`spawn ${code}`), { code, syscall: 'spawn' })
  })
}

/** A program that is not there fails as EAGAIN and EMFILE do: by an event, after `spawn` has given a child without a number. */
function fail(): void {
  spawn.mockImplementationOnce(((_: string, args: string[], options: childProcess.SpawnOptions) =>
    childProcess.spawn('/no/such/program', args, options)) as typeof spawn)
}

beforeEach(() => void spawn.mockReset())
afterAll(() => pool.memory.close())

describe('a host that the system does not give', () => {
  it.each([
    ['throws, as for want of memory', () => refuse('ENOMEM'), 'spawn ENOMEM'],
    ['tells by an event, as for want of processes', fail, 'spawn /no/such/program ENOENT'],
  ])('fails its start as unavailable when spawn %s, and comes with the next', async (_, prepare, reason) => {
    const before = descriptors()
    const told: (EngineError | undefined)[] = []
    const onStart = (_name: string, failure: EngineError | undefined) => void told.push(failure)
    const host = new Host<Protocol>({ name: 'trial', entry, pool, log: testLog, restart: true, onStart })
    prepare()
    const message = `Expected host trial to start: ${reason}`
    await expect(host.start()).rejects.toMatchObject({ code: 'unavailable', message })
    await host.start()
    expect(host.status).toMatchObject({ state: 'up', restarts: 1 })
    expect(told).toEqual([expect.objectContaining({ message }), undefined])
    await host[Symbol.asyncDispose]()
    expect(kill).not.toHaveBeenCalled()
    await until('the descriptors of before', () => descriptors() === before)
  })

  it('is offered to the kernel from its first moment, before it can say so itself', async () => {
    const host = new Host<Protocol>({ name: 'trial', entry, pool, log: testLog, restart: false })
    const started = host.start()
    expect(readFileSync(`/proc/${host.pid}/oom_score_adj`, 'utf8')).toBe('500\n')
    await started
    await host[Symbol.asyncDispose]()
  })

  it('can be ended while it has never been', async () => {
    const host = new Host<Protocol>({ name: 'trial', entry, pool, log: testLog, restart: false })
    fail()
    const started = host.start()
    const [outcome] = await Promise.all([started.catch((error: unknown) => error), host[Symbol.asyncDispose]()])
    expect(outcome).toMatchObject({ code: 'unavailable' })
  })
})
