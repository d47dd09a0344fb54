import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { startApp } from '../support/app.ts'
import { hasTestData, testData } from '../support/data.ts'
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

interface Found {
  readonly status: string
  readonly results: readonly { readonly result: readonly { readonly label: string }[] }[]
}
