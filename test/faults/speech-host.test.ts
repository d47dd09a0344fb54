import { mkdtempSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startApp, type TestApp } from '../support/app.ts'
import { hasTestData, testData } from '../support/data.ts'
import { childrenOf, commandOf, cpuTicks } from '../support/processes.ts'
import { until } from '../support/wait.ts'

/** Recognition on a machine that may be busy with others. */
const timeout = 180_000

let state: string
let engine: TestApp
beforeAll(async () => {
  state = mkdtempSync(join(tmpdir(), 'hailstream-real-'))
  process.env.HAILSTREAM_STATE = state
  engine = await startApp({ 'models.paths': [testData('models')] })
})
afterAll(async () => {
  await engine[Symbol.asyncDispose]()
  rmSync(state, { recursive: true })
})

function hostPid(): Promise<number> {
  return until('the speech host', async () => {
    const { hosts } = await engine.app.health()
    return hosts.find(({ name, state: now }) => name === 'speech' && now === 'up')?.pid ?? undefined
  })
}

const speak = (input: string) =>
  fetch(`${engine.url}/v1/audio/speech`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ voice: 'en-us', response_format: 'pcm', input }),
  })

describe.skipIf(!hasTestData)('a speech host that is killed', () => {
  it('in the middle of a synthesis cuts the sound short for the client to see, and speaks the next text', {
    timeout,
  }, async () => {
    const response = await speak('I see what you see, and say what you say. '.repeat(95))
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    expect((await reader.read()).value?.length).toBeGreaterThan(0)
    process.kill(await hostPid(), 'SIGKILL')
    const readOn = async () => {
      while (!(await reader.read()).done);
    }
    await expect(readOn()).rejects.toThrow()
    const next = await speak('Hello.')
    expect(next.status).toBe(200)
    expect((await next.arrayBuffer()).byteLength).toBeGreaterThan(5000)
  })

  it('in the middle of a transcription answers 503, and hears the next sound', { timeout }, async () => {
    const transcribe = async (stream: boolean) => {
      const body = new FormData()
      body.append('file', new Blob([await readFile(testData('media/arctic_a0024.wav'))]), 'a.wav')
      body.append('model', 'pocketsphinx')
      body.append('stream', String(stream))
      return fetch(`${engine.url}/v1/audio/transcriptions`, { method: 'POST', body })
    }
    const pid = await hostPid()
    const answer = transcribe(false)
    const isAtWork = () =>
      childrenOf(pid).some((child) => /pocketsphinx/.test(commandOf(child)) && cpuTicks(child) > 50)
    await until('the recogniser to be at work', isAtWork, 60_000)
    process.kill(pid, 'SIGKILL')
    const broken = await answer
    expect(broken.status).toBe(503)
    expect(await broken.json()).toMatchObject({ error: { type: 'api_error', code: 'unavailable' } })
    const next = await transcribe(true)
    expect([next.status, await next.text()]).toEqual([200, expect.stringContaining('transcript.text.done')])
  })
})
