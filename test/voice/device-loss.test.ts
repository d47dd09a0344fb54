import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Health } from '../../engine/routes/health.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { hasTestData, testData } from '../support/data.ts'
import { RealtimeTestClient } from '../support/realtime-client.ts'
import { standinIsBuilt } from '../support/standin.ts'
import { commandStandin, standinSocket } from '../support/standin-control.ts'
import { VoiceStages } from '../support/voice-stages.ts'
import { until } from '../support/wait.ts'

let state: string
let before: string | undefined
let engine: TestApp
const command = (control: string, more: Readonly<Record<string, unknown>>) =>
  commandStandin(standinSocket(process.pid), { control, ...more })
const health = async () => (await (await fetch(`${engine.url}/api/health`)).json()) as Health

function ask(client: RealtimeTestClient, text: string): void {
  const content = [{ type: 'input_text', text }]
  client.send({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content } })
  client.send({ type: 'response.create' })
}

describe.skipIf(!hasTestData || !standinIsBuilt())('a conversation whose Hailo device is lost', () => {
  beforeAll(async () => {
    state = mkdtempSync(join(tmpdir(), 'hailstream-loss-'))
    before = process.env.HAILSTREAM_STATE
    process.env.HAILSTREAM_STATE = state
    const settings = { 'hailo.standIn': true, 'models.paths': [testData('models')] }
    engine = await startApp(settings, { speech: new VoiceStages().speech })
  }, 60_000)
  afterAll(async () => {
    await engine[Symbol.asyncDispose]()
    if (before === undefined) delete process.env.HAILSTREAM_STATE
    else process.env.HAILSTREAM_STATE = before
    rmSync(state, { recursive: true })
  })

  it('R6: goes on by llama.cpp, which health tells', {
    timeout: 180_000,
  }, async () => {
    await until('the device', async () => (await health()).devices.hailo?.state === 'ready', 60_000)
    const client = await RealtimeTestClient.open(`${engine.socketUrl}/v1/realtime?model=gpt-realtime`)
    client.send({
      type: 'session.update',
      session: { type: 'realtime', output_modalities: ['text'], max_output_tokens: 30 },
    })
    ask(client, 'count to 1400')
    await client.next('response.output_text.delta', 3)
    expect((await health()).defaults.language).toMatchObject({ backend: 'hailo' })
    const host = (await health()).hosts.find(({ name }) => name === 'language')
    await command('driver', { version: '4.20.0' })
    process.kill(host?.pid ?? expect.fail('Expected the host to run'), 'SIGKILL')
    const lost = await client.next('response.done', 1)
    expect(lost.response).toMatchObject({ status: 'failed', status_details: { error: { code: 'unavailable' } } })

    // The one that finds the device gone fails; those after it have another model.
    ask(client, 'Are you there?')
    await client.next('response.done', 2, 60_000)
    const isHere = async (backend: string) => (await health()).defaults.language?.backend === backend
    await until('the other model', () => isHere('llama'))
    ask(client, 'Are you there now?')
    const { response } = await client.next('response.done', 3, 60_000)
    expect(response, JSON.stringify(client.all('error'))).toMatchObject({ status: 'completed' })
    expect(JSON.stringify(response)).not.toContain('[stand-in]')
    await client.close()
  })
})
