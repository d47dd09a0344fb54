import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { hailoAddon } from '../../engine/native/hailo.ts'

// A process beside the engine in which a vision-language model answers and Whisper transcribes, one after the other without a pause, on the
// device that its environment names. Says `ready`, then every second how many tokens and windows there were.
const [folder = '', media = ''] = process.argv.slice(2)
const speechWindow = 16_000 * 10

const device = await hailoAddon().openHailo({ group: 'SHARED' })
const language = await device.loadLanguage(join(folder, 'Qwen2-VL-2B-Instruct.hef'), 'vision')
const speech = await device.loadSpeech(join(folder, 'Whisper-Base.hef'))
const { height, width, channels } = language.frame ?? { height: 0, width: 0, channels: 0 }
const frame = new Uint8Array(height * width * channels).fill(114)
const samples = readSamples(media)
let tokens = 0
let windows = 0
process.send?.({ ready: true })
setInterval(() => process.send?.({ tokens, windows }), 1000)
await Promise.all([answerForEver(), transcribeForEver()])

async function answerForEver(): Promise<never> {
  const content = [{ type: 'image' }, { type: 'text', text: 'What is in the picture? count to 60' }]
  for (;;) {
    await language.generate(
      { messages: [JSON.stringify({ role: 'user', content })], frames: [frame], maxTokens: 60 },
      () => {
        tokens++
      },
    ).done
    await language.clearContext()
  }
}

async function transcribeForEver(): Promise<never> {
  for (;;) {
    await speech.transcribe(samples, {})
    windows++
  }
}

/** 10 s of a file of 16 kHz, mono, 16 bit; a tone where there is none. */
function readSamples(path: string): Float32Array {
  if (path === '') return Float32Array.from({ length: speechWindow }, (_, i) => 0.3 * Math.sin(i / 5))
  const bytes = readFileSync(path).subarray(44)
  return Float32Array.from({ length: speechWindow }, (_, i) =>
    2 * i < bytes.length - 1 ? bytes.readInt16LE(2 * i) / 32768 : 0,
  )
}
