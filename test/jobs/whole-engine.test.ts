import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
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

it('speech that it is given is served by the whole engine, and worked on in jobs', async () => {
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
  for (const path of ['/api/voices', '/v1/voices', '/compat/piper/voices', '/health/ready'])
    expect([path, (await fetch(`${app.url}${path}`)).status]).toEqual([path, 200])
})

interface Found {
  readonly status: string
  readonly results: readonly { readonly result: readonly { readonly label: string }[] }[]
}
