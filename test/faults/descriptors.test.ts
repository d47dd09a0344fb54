import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { ImageWatch } from '../support/image-watch.ts'
import { startLimitedEngine } from '../support/limited-engine.ts'
import { TestClient } from '../support/server.ts'
import { keepAlive, namesOf, pipeline, streamOf, toldOf } from '../support/shortages.ts'
import { until } from '../support/wait.ts'

/** CPU time of the process so far, in ms. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return 10 * (Number(fields[11]) + Number(fields[12]))
}

/** How the attempt to connect ends. */
function knock(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''))
    socket.on('connect', () => socket.destroy() && resolve('connected'))
  })
}

describe('descriptors exhausted', () => {
  it('are named, refuse new clients and sources, and leave nothing behind', async () => {
    await using engine = await startLimitedEngine({ settings: { pipelines: [pipeline] } })
    const { pid } = engine
    const port = Number(new URL(engine.url).port)
    const used = () => readdirSync(`/proc/${pid}/fd`).length
    const limit = (count: number) => execFileSync('prlimit', ['--pid', String(pid), `--nofile=${count}:`])
    using watch = new ImageWatch(`${engine.socketUrl}/ws/p/camera`)
    const client = await TestClient.open(`${engine.socketUrl}/ws`)
    const { health, close } = keepAlive(engine.url)
    await watch.settle()
    expect(await health()).toMatchObject({ status: 'ok', problems: [] })
    const usedBefore = used()

    limit(usedBefore + 8)
    const crowd = Array.from({ length: 100 }, () => connect(port, '127.0.0.1').on('error', () => undefined))
    const short = await until('the problem', async () => namesOf(await health()).includes('descriptors') && health())
    expect(short.status).toBe('degraded')
    expect(await until('a refusal', async () => (await knock(port)) === 'ECONNREFUSED')).toBe(true)
    const [cpuBefore, from] = [cpuMs(pid), performance.now()]
    client.send({ type: 'subscribe', topic: 'p/other' })
    const refused = await until('the reason', async () => {
      const stream = streamOf(await health(), 'other')
      return (stream?.restarts ?? 0) >= 2 && stream
    })
    expect(refused).toMatchObject({ state: 'restarting', error: expect.stringContaining('EMFILE') })
    await watch.next(10)
    // A loop that asks the kernel for the waiting clients would take all of it.
    expect((cpuMs(pid) - cpuBefore) / (performance.now() - from)).toBeLessThan(0.25)

    limit(4096)
    await until('the other source', async () => streamOf(await health(), 'other')?.state === 'live')
    await until('health', async () => (await health()).status === 'ok')
    expect(await knock(port)).toBe('connected')
    client.send({ type: 'unsubscribe', topic: 'p/other' })
    for (const socket of crowd) socket.destroy()
    await until(`${usedBefore} descriptors, as before (${used()})`, () => used() === usedBefore)
    expect([watch.missed, watch.rises]).toEqual([0, true])
    expect(streamOf(await health(), 'camera')).toMatchObject({ state: 'live', restarts: 0 })
    expect(toldOf(engine.log, 'descriptors')).toEqual(['a problem has come', 'the problem is over'])
    client.socket.close()
    close()
  })
})
