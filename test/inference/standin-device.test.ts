import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { StandinDevice } from '../../engine/inference/standin-device.ts'
import { standinIsBuilt } from '../support/standin.ts'

/** Larger than the kernel gives any process. */
const nobodysPid = 2 ** 30

describe.skipIf(!standinIsBuilt())('the simulated device', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hailstream-standin-device-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  it('removes sockets that engines left which were killed, and its own at its end', async () => {
    const leftOver = join(tmpdir(), `hailstream-standin-${nobodysPid}-1`)
    await writeFile(leftOver, '')
    const start = () => StandinDevice.start({ stateFolder: folder, log: pino({ level: 'silent' }), speed: 50 })
    const [device, other] = [await start(), await start()]
    expect([leftOver, device.socket, other.socket].map((path) => existsSync(path))).toEqual([false, true, true])
    await device[Symbol.asyncDispose]()
    await other[Symbol.asyncDispose]()
    expect([device.socket, other.socket].map((path) => existsSync(path))).toEqual([false, false])
  })
})
