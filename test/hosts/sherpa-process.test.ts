import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SherpaProcess } from '../../engine/hosts/sherpa-process.ts'
import type { SherpaModel } from '../../engine/hosts/speech-protocol.ts'
import { projectRoot } from '../../engine/root.ts'
import { installFakeSherpa } from '../support/fake-sherpa.ts'
import { isRunning } from '../support/processes.ts'

const script = join(projectRoot, 'dist/engine/hosts/sherpa-program.js')
const never = new AbortController().signal
const window = { samples: Int16Array.of(16_384, 0, 0, 0), language: null, translate: false }

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hailstream-sherpa-'))
  await installFakeSherpa(folder)
})
afterAll(() => rm(folder, { recursive: true }))

/** Files of a model, which are there; named after their role and `mark`. */
async function model(kind: SherpaModel['kind'], mark = ''): Promise<SherpaModel> {
  const roles = {
    whisper: ['encoder', 'decoder', 'tokens'],
    moonshine: ['preprocessor', 'encoder', 'decoder', 'cached-decoder', 'tokens'],
    transducer: ['encoder', 'decoder', 'joiner', 'tokens'],
  }[kind]
  const files = Object.fromEntries(roles.map((role) => [role, join(folder, `${kind}${mark}-${role}`)]))
  for (const file of Object.values(files)) await writeFile(file, 'weights')
  return { kind, files }
}

const start = async (kind: SherpaModel['kind'], mark?: string) =>
  SherpaProcess.start({ extras: folder, model: await model(kind, mark), threads: 2, script }, never)

describe('the sherpa-onnx program', () => {
  it('runs Whisper in the language and for the task that each window asks for', async () => {
    const sherpa = await start('whisper')
    const first = await sherpa.recognise(window, never)
    expect(first).toEqual({ text: 'whisper  transcribe 4 2', words: [], language: 'en' })
    const second = await sherpa.recognise({ ...window, language: 'fr', translate: true }, never)
    expect(second).toEqual({ text: 'whisper fr translate 4 2', words: [], language: 'fr' })
    await sherpa.end()
    await sherpa.end()
  })

  it('gives Moonshine its four networks', async () => {
    const sherpa = await start('moonshine')
    const { text } = await sherpa.recognise(window, never)
    expect(text).toBe('moonshine preprocessor encoder uncachedDecoder cachedDecoder 4 2')
    await sherpa.end()
  })

  it('makes words of the pieces of a transducer, and does not mind what the library prints', async () => {
    const sherpa = await start('transducer')
    expect(await sherpa.recognise({ ...window, samples: new Int16Array(16_000).fill(16_384) }, never)).toEqual({
      text: 'good morning 0.50',
      words: [
        { text: 'good', start: 0.1, end: 0.5 },
        { text: 'morning', start: 0.5, end: 1 },
      ],
      language: null,
    })
    await sherpa.end()
  })

  it('says what to install where the library is not', async () => {
    const extras = join(folder, 'nothing-here')
    const started = SherpaProcess.start({ extras, model: await model('whisper'), threads: 1, script }, never)
    await expect(started).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(`Try: npm install --prefix ${extras} sherpa-onnx-node`),
    })
  })

  it('names a file that is missing, and one that the library cannot read', async () => {
    const { kind, files } = await model('whisper')
    const encoder = join(folder, 'absent')
    const missing = { extras: folder, model: { kind, files: { ...files, encoder } }, threads: 1, script }
    await expect(SherpaProcess.start(missing, never)).rejects.toMatchObject({
      code: 'not-found',
      message: `Expected a model file at ${encoder}`,
    })
    await expect(start('whisper', '-aborts')).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringMatching(/whisper-aborts-encoder.*Protobuf parsing failed/),
    })
  })

  it('is killed when the caller gives up, and fails as unavailable when somebody else kills it', async () => {
    const hanging = await start('whisper', '-hangs')
    const caller = new AbortController()
    const refused = expect(hanging.recognise(window, caller.signal)).rejects.toMatchObject({ code: 'cancelled' })
    caller.abort()
    await refused
    expect(isRunning(hanging.pid ?? 0)).toBe(false)
    const victim = await start('whisper', '-hangs')
    const lost = expect(victim.recognise(window, never)).rejects.toMatchObject({ code: 'unavailable' })
    process.kill(victim.pid ?? 0, 'SIGKILL')
    await lost
  })
})
