import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { hasTestData, testData } from '../support/data.ts'
import { createLlama, type LlamaSetup } from '../support/llama.ts'
import { until } from '../support/wait.ts'

const never = new AbortController().signal

/** A host that dies over every model. */
const dyingHost = `
process.on('disconnect', () => process.exit())
process.on('message', ({ id, method }) => {
  if (method === 'load') process.kill(process.pid, 'SIGSEGV')
  else process.send({ t: 'result', id, value: { now: 0n } })
})
`

describe.skipIf(!hasTestData)('a file over which the host dies', () => {
  let setup: LlamaSetup
  let folder: string
  afterEach(async () => {
    await setup[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })

  it('is left out after the third time, and tried again when it changes', async () => {
    folder = await mkdtemp(join(tmpdir(), 'hailstream-dying-'))
    const entry = join(folder, 'host.mjs')
    await writeFile(entry, dyingHost)
    await copyFile(testData('models/stories260K.gguf'), join(folder, 'deadly.gguf'))
    setup = await createLlama([folder], { entry })
    const load = () => setup.backend.load('deadly', never).catch((error: unknown) => error)
    for (let i = 0; i < 3; i++) expect(await load()).toMatchObject({ code: 'unavailable' })
    const [offer] = (await setup.backend.offers()).filter(({ name }) => name === 'deadly')
    expect(offer).toMatchObject({ state: 'failed', why: expect.stringContaining('it is gone') })
    expect(await load()).toMatchObject({ code: 'invalid' })
    expect(setup.backend.hosts()[0]?.restarts).toBe(2)
    await copyFile(testData('models/stories260K.gguf'), join(folder, 'deadly.gguf'))
    await until('the new file to be tried', async () => ((await load()) as { code: string }).code === 'unavailable')
  }, 60_000)
})
