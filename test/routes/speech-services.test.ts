import { beforeEach, describe, expect, it } from 'vitest'
import { EngineError } from '../../engine/errors.ts'
import { joinRoutes } from '../../engine/routes/answer.ts'
import { piperRoutes } from '../../engine/routes/piper.ts'
import { describeService, speechAliasRoutes } from '../../engine/routes/speech-aliases.ts'
import { ScriptedLibrary } from '../support/chat-app.ts'
import { ScriptedSpeech } from '../support/scripted-speech.ts'

let speech: ScriptedSpeech
let library: ScriptedLibrary
let app: ReturnType<typeof joinRoutes>
beforeEach(() => {
  speech = new ScriptedSpeech()
  library = new ScriptedLibrary()
  app = joinRoutes([piperRoutes({ synthesiser: speech.synthesiser, library }), speechAliasRoutes(speech)])
})
const post = (path: string, body: unknown) => app.request(path, { method: 'POST', body: JSON.stringify(body) })

async function expectWav(response: Response) {
  const bytes = Buffer.from(await response.arrayBuffer())
  expect(response.headers.get('content-type')).toBe('audio/wav')
  expect([bytes.toString('latin1', 0, 4), bytes.readUInt32LE(24), bytes.readUInt32LE(40)]).toEqual([
    'RIFF',
    22_050,
    44_100,
  ])
}

describe('Piper’s HTTP API under /compat/piper', () => {
  it.each(['/compat/piper/synthesize', '/compat/piper', '/compat/piper/'])(
    'speaks a WAV file at POST %s',
    async (path) => {
      await expectWav(await post(path, { text: ' Hello. ' }))
      expect(speech.spoken).toEqual([{ text: 'Hello.', options: {} }])
    },
  )

  it('hands voice, speaker, length and noise to the voice', async () => {
    const more = {
      voice: 'tone-de',
      speaker: 'anna',
      length_scale: 2,
      noise_scale: 0.5,
      noise_w_scale: 0.8,
      speaker_id: 1,
    }
    await post('/compat/piper/synthesize', { text: 'Hello.', ...more })
    const options = { voice: 'tone-de', speaker: 'ben', speed: 0.5, noiseScale: 0.5, noiseWidth: 0.8 }
    expect(speech.spoken).toEqual([{ text: 'Hello.', options }])
  })

  it('lists voices with what is known of their configuration, and the first of them', async () => {
    expect(await (await app.request('/compat/piper/voices')).json()).toMatchObject({
      'scripted-en': { audio: { sample_rate: 22_050 }, language: { code: 'en_US', family: 'en' }, num_speakers: 1 },
      'tone-de': { num_speakers: 2, speaker_id_map: { anna: 0, ben: 1 } },
    })
    expect(await (await app.request('/compat/piper/info')).json()).toEqual({
      ...{ voice: { name: 'scripted-en', language: 'en-US', num_speakers: 1 }, last: null },
    })
  })

  it('fetches a voice at POST /compat/piper/download, and answers its name once it is here', async () => {
    const response = await post('/compat/piper/download', { voice: 'en_US-amy-low' })
    expect([response.status, await response.text()]).toEqual([200, 'en_US-amy-low'])
    expect(response.headers.get('content-type')).toMatch(/^text\/plain/)
    expect(library.log).toEqual(['pull en_US-amy-low'])
    for (const body of [{}, { voice: 'en_US-amy-low', force_redownload: true }, { voice: 'a', speed: 1 }])
      expect((await post('/compat/piper/download', body)).status).toBe(400)
    library.failure = new EngineError('not-found', 'Expected a model of the catalogue, received nobody')
    const unknown = await post('/compat/piper/download', { voice: 'nobody' })
    expect([unknown.status, await unknown.json()]).toEqual([404, { error: expect.stringContaining('nobody') }])
  })

  it.each([
    ['/compat/piper/synthesize', 'POST'],
    ['/compat/piper/download', 'POST'],
    ['/compat/piper/voices', 'GET, HEAD'],
    ['/v1/voices', 'GET, HEAD'],
    ['/v1/synthesize', 'POST'],
    ['/health/ready', 'GET, HEAD'],
  ])('%s allows %s alone', async (path, allow) => {
    const response = await app.request(path, { method: 'PUT' })
    expect([response.status, response.headers.get('allow')]).toEqual([405, allow])
    expect(await response.json()).toEqual({ error: expect.stringContaining(`Expected ${allow}`) })
  })

  it.each([
    [400, {}],
    [400, { text: ' ' }],
    [400, { text: 'x', length_scale: 9 }],
    [400, { text: 'x', pitch: 1 }],
    [400, { text: 'x', voice: 'tone-de', speaker_id: 2 }],
    [400, 'text'],
    [404, { text: 'x', voice: 'nobody' }],
  ])('answers %i to %o', async (status, body) => {
    const response = await post('/compat/piper/synthesize', body)
    expect(response.status).toBe(status)
    expect(await response.json()).toEqual({ error: expect.stringMatching(/./) })
    expect(speech.spoken).toEqual([])
  })
})

describe('S3: the paths of single speech services', () => {
  it('GET /v1/voices lists the voices that can speak', async () => {
    expect(await (await app.request('/v1/voices')).json()).toMatchObject({
      voices: [{ id: 'scripted-en', name: 'scripted-en', language: 'en-US', gender: null, sample_rate: 22_050 }, {}],
    })
  })

  it('POST /v1/synthesize speaks a WAV file', async () => {
    const response = await post('/v1/synthesize', { text: 'Hello.', format: 'wav' })
    expect(response.headers.get('content-disposition')).toBe('attachment; filename=speech.wav')
    await expectWav(response)
  })

  it.each([
    ["Missing 'text' field", {}],
    ["Missing 'text' field", { text: '' }],
    ['Text too long (max 5000 characters)', { text: 'x'.repeat(5001) }],
    ['Unsupported format', { text: 'x', format: 'mp3' }],
  ])('POST /v1/synthesize answers 400 with “%s”', async (told, body) => {
    const response = await post('/v1/synthesize', body)
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({ error: expect.stringContaining(told) })
  })

  it('GET /health and /health/ready tell whether anything can be recognised or spoken', async () => {
    const told = { model: 'scripted-ears', model_loaded: true, uptime_seconds: expect.any(Number) }
    expect(await describeService(speech)).toEqual(told)
    expect(await (await app.request('/health/ready')).json()).toEqual({ ready: true })
    speech.available = false
    speech.voices = []
    expect(await describeService(speech)).toMatchObject({ model: null, model_loaded: false })
    const response = await app.request('/health/ready')
    expect([response.status, await response.json()]).toEqual([503, { ready: false, reason: 'no_model' }])
  })
})
