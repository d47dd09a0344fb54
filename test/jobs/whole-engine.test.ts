import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { startApp } from '../support/app.ts'
import { hasTestData, testData } from '../support/data.ts'
import { ScriptedSpeech, tone } from '../support/scripted-speech.ts'
import { wavOf } from '../support/sounds.ts'
import { until } from '../support/wait.ts'

it.skipIf(!hasTestData)('a list of pictures is worked on by the whole engine', async () => {
  await using app = await startApp()
  const body = new FormData()
  body.append('task', 'detect')
  for (const name of ['bus.jpg', 'zidane.jpg'])
    body.append('images', new Blob([await readFile(testData(`media/${name}`))]), name)
  const response = await fetch(`${app.url}/api/infer`, { method: 'POST', body })
  expect(response.status).toBe(202)
  const { job_id } = (await response.json()) as { job_id: string }
  const job = await until(
    'the end of the job',
    async () => {
      const found = (await (await fetch(`${app.url}/api/infer/${job_id}`)).json()) as Found
      return found.status === 'complete' && found
    },
    60_000,
  )
  const labels = job.results.map(({ result }) => result.map(({ label }) => label))
  expect(labels[0]).toContain('bus')
  expect(labels[1]).toContain('person')
})

it('speech that it is given is served by the whole engine, and worked on in jobs, which health and metrics count', async () => {
  const state = await mkdtemp(join(tmpdir(), 'hailstream-whole-'))
  onTestFinished(() => rm(state, { recursive: true }))
  process.env.HAILSTREAM_STATE = state
  const speech = new ScriptedSpeech()
  await using app = await startApp({}, { speech })
  const audio = new Blob([new Uint8Array(wavOf(tone(440, 16_000, 1.5), 16_000))])
  const send = (path: string, field: string) => {
    const body = new FormData()
    body.append(field, audio, 'a.wav')
    return fetch(`${app.url}${path}`, { method: 'POST', body })
  }
  const text = 'and so my fellow Americans'
  expect(await (await send('/v1/audio/transcriptions', 'file')).json()).toMatchObject({ text })
  expect(await (await send('/api/transcribe', 'audio')).json()).toEqual({ text, language: 'en', duration: 1.5 })
  const { job_id } = (await (await send('/api/infer', 'audio')).json()) as { job_id: string }
  await until('the end of the job', async () => {
    const job = (await (await fetch(`${app.url}/api/infer/${job_id}`)).json()) as { result?: string }
    return job.result === text
  })
  const service = await (await fetch(`${app.url}/health`)).json()
  expect(service).toMatchObject({ status: 'ok', model: 'scripted-ears', model_loaded: true })
  const jobs = await until('the end of the job in health', async () => {
    const { jobs: told } = await app.app.health()
    return told.counts.complete === 1 && told
  })
  expect(jobs).toMatchObject({ state: 'ready', counts: { queued: 0, running: 0, failed: 0, cancelled: 0 } })
  expect(jobs.limits).toEqual({ waiting: 1000, kept: 1000, seconds: 604_800, bytes: 536_870_912 })
  await until('the job in the metrics', async () => {
    const metrics = await (await fetch(`${app.url}/metrics`)).text()
    return metrics.includes('hailstream_jobs{status="complete"} 1') && /^hailstream_jobs_bytes \d+$/m.test(metrics)
  })
  for (const path of ['/api/voices', '/v1/voices', '/compat/piper/voices', '/health/ready'])
    expect([path, (await fetch(`${app.url}${path}`)).status]).toEqual([path, 200])
})

interface Found {
  readonly status: string
  readonly results: readonly { readonly result: readonly { readonly label: string }[] }[]
}
