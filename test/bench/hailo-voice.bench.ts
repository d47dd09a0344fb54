import { loadavg } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import type { Speech, SpokenSegment } from '../../engine/inference/speech.ts'
import { speechRate } from '../../engine/inference/speech.ts'
import { UtteranceStream } from '../../engine/inference/utterance-stream.ts'
import type { MachineOptions } from '../../engine/voice/settings.ts'
import { hasTestData, testData } from '../support/data.ts'
import { RealtimeTestClient } from '../support/realtime-client.ts'
import { createSpeech } from '../support/speech.ts'
import { VoiceStages } from '../support/voice-stages.ts'
import { quantile } from './figures.ts'
import { type BenchRow, toRow } from './row.ts'
import { type Recording, readRecording, takeTurn } from './spoken-turns.ts'
import { startTalking } from './talking-engine.ts'

const turns = 8
const silenceMs = 300
const goals = { p50: 2000, p95: 2600 }
const voices = { 'espeak-ng': 'en-us', 'Piper’s tone voice': 'piper-tone-voice' }
/** The vendor's, of Whisper-Base and Qwen2-1.5B-Instruct. */
const whisper = { firstTokenMs: 70, tokenMs: 1000 / 47.55 }
const qwen = { firstToken: 320, token: 1000 / 8.18 }
/**
 * What the simulated Whisper hears names the length of the sound, so that an answer that was prepared never is to the same words, and the device
 * has to read the whole conversation anew.
 */
const unprepared = { speculateMs: 60_000 }
/** Ten words, and a first clause of six tokens: what the budget in the reference counts with. */
const said = 'good morning what is to be seen in this room'
const saidTokens = 14
const answer = ['That ', 'is ', 'a ', 'fine ', 'question', ', ', 'and ', 'the ', 'answer ', 'is ', 'yes', '. ']

/**
 * L3: from the last sample of speech to the first sound of the reply, by `/v1/realtime`, with the vendor's figures of the Hailo device. Twice:
 * with the simulated device, which keeps to those figures, behind the whole engine; and with stages that do nothing but take that time, whose
 * words are those of the budget. Detector and voice are real in both.
 */
export default async function bench(): Promise<BenchRow[]> {
  if (!hasTestData) throw new Error('Expected the test data with a recording')
  const recording = await readRecording(testData('media/arctic_a0024.wav'))
  const rows: BenchRow[] = []
  for (const [name, voice] of Object.entries(voices))
    rows.push(...toRows(`simulated device, ${name}`, await withDevice(recording, voice)))
  const [name, voice] = ['espeak-ng', voices['espeak-ng']] as const
  rows.push(...toRows(`simulated device, ${name}, nothing prepared`, await withDevice(recording, voice, unprepared)))
  rows.push(...toRows('fixed delays, espeak-ng', await withDelays(recording)))
  return rows
}

async function withDevice(
  recording: Recording,
  voice: string,
  machine: Partial<MachineOptions> = {},
): Promise<number[]> {
  const settings = { 'models.paths': [testData('models')], 'hailo.standIn': true }
  await using engine = await startTalking(settings, { voice: machine })
  return await converse(`${engine.socketUrl}/v1/realtime`, { recording, voice, model: 'qwen2-1.5b-instruct' })
}

async function withDelays(recording: Recording): Promise<number[]> {
  await using setup = await createSpeech({ paths: [testData('models')] })
  const stages = new VoiceStages()
  stages.delays = { ...stages.delays, firstToken: qwen.firstToken, token: qwen.token }
  stages.answers = [answer]
  const given = { speech: hear(setup.speech, stages.speech), language: stages.language }
  await using engine = await startTalking({}, given)
  return await converse(`${engine.socketUrl}/v1/realtime`, { recording, voice: voices['espeak-ng'] })
}

/** The real speech, but for a recogniser that takes as long as the device's. */
function hear(real: Speech, fake: Speech): Speech {
  const recogniser: Speech['recogniser'] = async () => ({
    ...(await fake.recogniser()),
    open: async () => new UtteranceStream({ detection: await real.detector.open(), transcribe, isTurn: true }),
  })
  return { ...fake, recogniser, detector: real.detector, synthesiser: real.synthesiser }
}

async function* transcribe(samples: Float32Array, signal: AbortSignal): AsyncGenerator<SpokenSegment> {
  const end = samples.length / speechRate
  const words = said.split(' ')
  // A word takes a third of a second.
  const heard = words.slice(0, Math.ceil(3 * end))
  const tokens = (saidTokens * heard.length) / words.length
  await wait(whisper.firstTokenMs + tokens * whisper.tokenMs, undefined, { signal })
  yield { text: heard.join(' '), start: 0, end, words: [], language: 'en' }
}

interface Talk {
  readonly recording: Recording
  readonly voice: string
  readonly model?: string
}

async function converse(url: string, { recording, voice, model }: Talk): Promise<number[]> {
  const client = await RealtimeTestClient.open(model ? `${url}?model=${model}` : url)
  const input = { turn_detection: { type: 'server_vad', silence_duration_ms: silenceMs } }
  const audio = { input, output: { voice } }
  client.send({ type: 'session.update', session: { type: 'realtime', max_output_tokens: 24, audio } })
  await client.next('session.updated')
  const times: number[] = []
  for (let turn = 0; turn < turns; turn++) times.push(await takeTurn(client, recording))
  const texts = client.all('conversation.item.input_audio_transcription.completed')
  console.error(`last heard “${texts.at(-1)?.transcript}”, ${JSON.stringify(client.all('response.done').at(-1))}`)
  await client.close()
  return times
}

function toRows(name: string, times: readonly number[]): BenchRow[] {
  const all = times.map((ms) => Math.round(ms)).join(' ')
  console.error(`L3, ${name}, load ${loadavg()[0]?.toFixed(1)}: ${all} ms`)
  const row = (of: string, share: number, most: number) =>
    toRow({
      ...{ name: `L3: ${name}, ${of} of ${turns} turns (≤ ${most})`, unit: 'ms', better: 'less' },
      ours: [quantile(times, share)],
      met: (ms) => ms <= most,
    })
  return [row('p50', 0.5, goals.p50), row('p95', 0.95, goals.p95)]
}
