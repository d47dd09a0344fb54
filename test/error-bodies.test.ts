import { Hono } from 'hono'
import { expect, it } from 'vitest'
import { errorBodyFor } from '../engine/error-bodies.ts'
import { joinRoutes } from '../engine/routes/answer.ts'

const openai = {
  error: { message: expect.stringContaining('POST'), type: 'not_found_error', param: null, code: 'not-found' },
}
const plain = { error: expect.stringContaining('POST') }
const house = { error: 'not-found', detail: expect.stringContaining('/openapi.json') }

it.each([
  ['/v1/responses', openai],
  ['/v1/images/generations', openai],
  ['/v1/audio/nothing', openai],
  ['/compat/piper/phonemes', plain],
  ['/api/nothing', house],
  ['/nothing', house],
])('%s, which nobody serves, is 404 in the words of its family', async (path, body) => {
  const app = joinRoutes([new Hono()], errorBodyFor)
  const response = await app.request(path, { method: 'POST' })
  expect([response.status, await response.json()]).toEqual([404, body])
})
