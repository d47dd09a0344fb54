import { describe, expect, it } from 'vitest'
import { toCurl } from '../../web/docs/curl.ts'
import type { Contents } from '../../web/docs/document.ts'

const origin = 'http://127.0.0.1:8080'

function curl(method: string, path: string, content?: Contents): string {
  const body = content === undefined ? {} : { requestBody: { content } }
  return toCurl(origin, method, path, {
    operationId: 'x',
    tags: [],
    summary: '',
    parameters: [],
    responses: {},
    ...body,
  })
}

describe('the command of an operation', () => {
  it('is the address alone for GET, and names other methods', () => {
    expect(curl('get', '/api/health')).toBe(`curl ${origin}/api/health`)
    expect(curl('delete', '/api/infer/{id}')).toBe(`curl -X DELETE '${origin}/api/infer/<id>'`)
    expect(curl('post', '/api/nothing')).toBe(`curl -X POST ${origin}/api/nothing`)
  })

  it('sends the example as JSON, one word for the shell whatever is in it', () => {
    const example = { text: "it's" }
    expect(curl('post', '/api/speak', { 'application/json': { example } })).toBe(
      `curl -H 'Content-Type: application/json' -d '{"text":"it'\\''s"}' ${origin}/api/speak`,
    )
  })

  it('keeps sound in a file', () => {
    const content = { 'application/json': { example: { text: 'a' } } }
    const responses = { 200: { description: '', content: { 'audio/wav': {}, 'text/event-stream': {} } } }
    const speak = { operationId: 'x', tags: [], summary: '', parameters: [], requestBody: { content }, responses }
    expect(toCurl(origin, 'post', '/api/speak', speak)).toBe(
      `curl -H 'Content-Type: application/json' -d '{"text":"a"}' -o sound.wav ${origin}/api/speak`,
    )
  })

  it('sends files and the fields that have to be there as a form', () => {
    const file = { type: 'string', format: 'binary' }
    const properties = { prompt: { type: 'string' }, image: file, model: { type: 'string' } }
    const form = { schema: { type: 'object', properties, required: ['prompt', 'image'] }, example: { prompt: 'What?' } }
    expect(curl('post', '/api/vlm', { 'multipart/form-data': form })).toBe(
      `curl -F 'prompt=What?' -F image=@picture.jpg ${origin}/api/vlm`,
    )
  })
})
