import { once } from 'node:events'
import type { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { z } from 'zod'
import {
  brokenReferences,
  type DocumentedOperation,
  operationsOf,
  type Schema,
  type SomeDocument,
} from '../support/api-documents.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { ScriptedLanguage } from '../support/scripted-language.ts'
import { ScriptedSpeech } from '../support/scripted-speech.ts'

// What the engine joins is taken here, so that no route can be left out of the comparison.
const joined: { app?: Hono } = {}
vi.mock('../../engine/routes/documents.ts', async (load) => {
  const original = await load<typeof import('../../engine/routes/documents.ts')>()
  const joinDescribed: typeof original.joinDescribed = (parts, about) => {
    joined.app = original.joinDescribed(parts, about)
    return joined.app
  }
  return { ...original, joinDescribed }
})

const streams = {
  camera: { source: 'test', size: '320x240', rate: 5 },
  objects: { from: 'camera', node: 'detect' },
}
const model = 'qwen2.5:0.5b'

let engine: TestApp
let openApi: SomeDocument
let asyncApi: SomeDocument

beforeAll(async () => {
  const language = new ScriptedLanguage([{ name: model }, { name: 'nomic-embed-text' }])
  const pipelines = [{ name: 'entrance', streams, publish: ['camera', 'objects'] }]
  engine = await startApp({ pipelines }, { language, speech: new ScriptedSpeech() })
  ;[openApi, asyncApi] = (await Promise.all(['/openapi.json', '/asyncapi.json'].map(getJson))) as [
    SomeDocument,
    SomeDocument,
  ]
}, 60_000)
afterAll(() => engine?.[Symbol.asyncDispose]())

async function getJson(path: string): Promise<SomeDocument> {
  const response = await fetch(`${engine.url}${path}`)
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('application/json')
  return (await response.json()) as SomeDocument
}

/** What is wrong with the value by the schema; empty when nothing is. */
function faults(schema: Schema, value: unknown): string[] {
  const { error } = z.fromJSONSchema(schema as z.core.JSONSchema.JSONSchema).safeParse(value)
  return error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? []
}

describe('/openapi.json', () => {
  it('tells of every route of the engine, and of no other', () => {
    const routes = joined.app?.routes.filter(({ method }) => method !== 'ALL') ?? []
    const answered = routes.map(({ method, path }) => `${method} ${path.replace(/:(\w+)(\{[^}]*\})?/g, '{$1}')}`)
    const told = operationsOf(openApi).map(({ method, path }) => `${method.toUpperCase()} ${path}`)
    expect(answered.length).toBeGreaterThan(35)
    expect(told.sort()).toEqual([...new Set(answered)].sort())
  })

  it('keeps the rules of OpenAPI 3.1', () => {
    expect(openApi).toMatchObject({ openapi: '3.1.0', info: { title: 'hailstream', version: '0.0.0-test' } })
    expect(brokenReferences(openApi)).toEqual([])
    const operations = operationsOf(openApi)
    const ids = operations.map(({ operationId }) => operationId)
    expect(new Set(ids).size).toBe(ids.length)
    const tags = (openApi.tags as { name: string }[]).map(({ name }) => name)
    for (const { path, method, parameters, responses, tags: own, summary, requestBody } of operations) {
      const place = `${method} ${path}`
      const named = parameters.filter((parameter) => parameter.in === 'path')
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
      expect(
        named.map(({ name }) => name),
        place,
      ).toEqual(inPath)
      for (const { required, description } of named)
        expect({ required, told: (description?.length ?? 0) > 0 }).toEqual({ required: true, told: true })
      expect(new Set(parameters.map((parameter) => `${parameter.in} ${parameter.name}`)).size, place).toBe(
        parameters.length,
      )
      expect(tags, place).toEqual(expect.arrayContaining([...own]))
      expect(summary, place).toMatch(/\S/)
      expect(
        Object.keys(responses).some((status) => /^[123]\d\d$/.test(status)),
        place,
      ).toBe(true)
      for (const [status, { description }] of Object.entries(responses)) {
        expect(status).toMatch(/^([1-5]\d\d|default)$/)
        expect(description).toMatch(/\S/)
      }
      expect(method !== 'get' || requestBody === undefined, place).toBe(true)
    }
  })

  it('shows examples that its schemas take, for every JSON body that is no picture or sound', () => {
    const bodies = operationsOf(openApi).flatMap(({ path, requestBody }) =>
      Object.entries(requestBody?.content ?? {}).map(([type, content]) => ({ path, type, ...content })),
    )
    const shown = bodies.filter(({ example }) => example !== undefined)
    expect(shown.length).toBeGreaterThan(15)
    for (const { path, schema = {}, example, type } of shown)
      if (type === 'application/json') expect(faults(schema, example), path).toEqual([])
  })

  it('refuses in its schemas what the route refuses', async () => {
    const chat = operationsOf(openApi).find(({ path }) => path === '/v1/chat/completions')
    const { schema = {}, example } = chat?.requestBody?.content['application/json'] ?? {}
    expect(faults(schema, { ...(example as object), nonsense: 1 })).not.toEqual([])
    expect(faults(schema, { ...(example as object), temperature: 3 })).not.toEqual([])
    const detect = operationsOf(openApi).find(({ path }) => path === '/api/detect')
    const minScore = detect?.parameters.find(({ name }) => name === 'minScore')
    expect(minScore?.schema).toMatchObject({ type: 'number', minimum: 0, maximum: 1 })
  })

  it('describes what the engine really answers', async () => {
    // A pull would fetch from the network.
    const asked = operationsOf(openApi).filter(({ path, method, requestBody }) => {
      const example = requestBody?.content['application/json']?.example
      return path !== '/api/pull' && !path.includes('{') && (method === 'get' || example !== undefined)
    })
    const answered: string[] = []
    for (const { path, method, requestBody, responses } of asked) {
      const example = requestBody?.content['application/json']?.example
      const json = { 'content-type': 'application/json' }
      const init = example === undefined ? {} : { body: JSON.stringify(example), headers: json }
      const response = await fetch(`${engine.url}${path}`, { method: method.toUpperCase(), ...init })
      const place = `${method} ${path} ${response.status}`
      answered.push(place)
      const type = response.headers.get('content-type')?.split(';')[0] ?? ''
      const contents = (responses[response.status] ?? responses.default)?.content
      const text = await response.text()
      if (contents === undefined) expect(text, place).toBe('')
      else {
        expect(Object.keys(contents), place).toContain(type)
        const schema = resolve(contents[type]?.schema)
        const values =
          type === 'application/x-ndjson' ? text.trim().split('\n') : type === 'application/json' ? [text] : []
        if (schema !== undefined)
          for (const value of values) expect(faults(schema, JSON.parse(value)), place).toEqual([])
      }
    }
    expect(answered.filter((place) => place.endsWith(' 200')).length, answered.join('\n')).toBeGreaterThan(24)
  }, 60_000)
})

describe('every route, in the words of its standard,', () => {
  const json = { 'content-type': 'application/json' }

  /** The status, when the answer is the failure that the documents tell. */
  async function failure(operation: DocumentedOperation, init: RequestInit): Promise<number> {
    const { path, responses } = operation
    const response = await fetch(`${engine.url}${path.replaceAll(/[{}]/g, '')}`, init)
    const told = (responses[response.status] ?? responses.default)?.content?.['application/json']?.schema
    const text = await response.text()
    expect(faults(resolve(told) ?? {}, JSON.parse(text)), `${init.method} ${path} ${text}`).toEqual([])
    if (response.status === 405) expect(response.headers.get('allow'), path).toBeTruthy()
    return response.status
  }

  it('refuses a body that is no JSON, and a field that it does not know', async () => {
    const asked = operationsOf(openApi).flatMap((operation) => {
      const example = operation.requestBody?.content['application/json']?.example
      // Where the path names something, what is not there is told first.
      const isAsked = example !== undefined && !operation.path.includes('{')
      return isAsked ? [{ operation, example: example as object }] : []
    })
    expect(asked.length).toBeGreaterThan(15)
    for (const { operation, example } of asked)
      for (const body of ['{bad', JSON.stringify({ ...example, nonsense: 1 })]) {
        const init = { method: operation.method.toUpperCase(), headers: json, body }
        expect([operation.path, body, await failure(operation, init)]).toEqual([operation.path, body, 400])
      }
  })

  it('refuses another method, and says which it takes', async () => {
    const all = operationsOf(openApi)
    for (const operation of all) {
      const taken = all.filter(({ path }) => path === operation.path).map(({ method }) => method.toUpperCase())
      const method = ['PUT', 'PATCH', 'DELETE'].find((other) => !taken.includes(other))
      const init = { ...(method && { method }), headers: json, body: '{}' }
      expect([operation.path, await failure(operation, init)]).toEqual([operation.path, 405])
    }
  })
})

function resolve(schema: Schema | undefined): Schema | undefined {
  const name = String(schema?.$ref ?? '').match(/^#\/components\/schemas\/(.+)$/)?.[1]
  if (name === undefined) return schema
  return (openApi.components as { schemas: Record<string, Schema> }).schemas[name]
}

describe('/asyncapi.json', () => {
  it('keeps the rules of AsyncAPI 3.0', () => {
    expect(asyncApi).toMatchObject({ asyncapi: '3.0.0', info: { title: 'hailstream', version: '0.0.0-test' } })
    expect(brokenReferences(asyncApi)).toEqual([])
    const channels = Object.entries(asyncApi.channels as Record<string, { address: string; parameters?: object }>)
    for (const [id, { address, parameters = {} }] of channels) {
      expect(id).toMatch(/^[A-Za-z0-9.\-_]+$/)
      expect(Object.keys(parameters)).toEqual([...address.matchAll(/\{(\w+)\}/g)].map(([, name]) => name))
    }
    const operations = Object.values(
      asyncApi.operations as Record<
        string,
        { action: string; channel: { $ref: string }; messages: { $ref: string }[] }
      >,
    )
    for (const { action, channel, messages } of operations) {
      expect(['send', 'receive']).toContain(action)
      for (const { $ref } of messages) expect($ref.startsWith(`${channel.$ref}/messages/`)).toBe(true)
    }
  })

  it('has a channel for every topic of the running pipelines, for jobs and for requests, where the client reached us', () => {
    const channels = Object.values(asyncApi.channels as Record<string, { address: string; messages: object }>)
    const addresses = channels.map(({ address }) => address)
    for (const address of ['/ws/entrance/camera', '/ws/entrance/objects', '/ws/jobs/{id}', '/ws'])
      expect(addresses).toContain(address)
    expect(channels.find(({ address }) => address === '/ws/entrance/camera')?.messages).toEqual({
      message: { $ref: '#/components/messages/image' },
    })
    expect(asyncApi.servers).toMatchObject({ engine: { host: new URL(engine.url).host, protocol: 'ws' } })
  })

  it('describes the messages that the engine really sends', async () => {
    const { messages } = asyncApi.components as { messages: Record<string, { payload: Schema }> }
    const socket = new WebSocket(`${engine.socketUrl}/ws`)
    try {
      await once(socket, 'open')
      const heard: unknown[] = []
      socket.on('message', (text) => heard.push(JSON.parse(String(text))))
      const request = { type: 'subscribe', topic: 'entrance/camera/state', id: 7 }
      expect(faults(messages.request?.payload ?? {}, request)).toEqual([])
      socket.send(JSON.stringify(request))
      socket.send('{"type":"nonsense"}')
      await expect.poll(() => heard.length, { timeout: 20_000 }).toBeGreaterThanOrEqual(3)
      for (const said of heard.slice(0, 3)) {
        const name = (said as { type?: string }).type === undefined ? 'event' : 'answer'
        expect(faults(messages[name]?.payload ?? {}, said), JSON.stringify(said)).toEqual([])
      }
    } finally {
      socket.close()
    }
  }, 30_000)
})
