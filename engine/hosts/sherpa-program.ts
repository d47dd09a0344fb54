import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type SherpaAnswer, type SherpaRequest, sherpaRequest } from './sherpa-protocol.ts'

// The sherpa-onnx program: it requires sherpa-onnx-node out of the folder that is its argument, and answers requests line by line.
// Nothing else of the engine is loaded beside that library, which contains code under the GPL.

/** The part of sherpa-onnx-node that is used. */
interface SherpaLibrary {
  readonly OfflineRecognizer: new (config: object) => OfflineRecognizer
  readonly OnlineRecognizer: new (config: object) => OnlineRecognizer
}
interface Sound {
  readonly samples: Float32Array
  readonly sampleRate: number
}
interface SherpaStream {
  acceptWaveform(sound: Sound): void
  inputFinished?(): void
}
interface SherpaResult {
  readonly text: string
  /** Pieces of words, where the model has times for them. */
  readonly tokens?: readonly string[]
  readonly timestamps?: readonly number[]
  readonly lang?: string
}
interface OfflineRecognizer {
  createStream(): SherpaStream
  setConfig(config: object): void
  decode(stream: SherpaStream): void
  getResult(stream: SherpaStream): SherpaResult
}
interface OnlineRecognizer {
  createStream(): SherpaStream
  isReady(stream: SherpaStream): boolean
  decode(stream: SherpaStream): void
  getResult(stream: SherpaStream): SherpaResult
}

type LoadRequest = Extract<SherpaRequest, { type: 'load' }>
type RecogniseRequest = Extract<SherpaRequest, { type: 'recognise' }>
type Recognise = (request: RecogniseRequest) => SherpaResult

const sampleRate = 16_000
/** So that the last word is heard to its end. */
const tailSamples = sampleRate / 2

class ProgramError extends Error {
  readonly code: Extract<SherpaAnswer, { type: 'error' }>['code']

  constructor(code: ProgramError['code'], message: string) {
    super(message)
    this.code = code
  }
}

function loadLibrary(): SherpaLibrary {
  const extras = process.argv[2] ?? ''
  const load = createRequire(import.meta.url)
  try {
    return load(join(extras, 'node_modules/sherpa-onnx-node')) as SherpaLibrary
  } catch (error) {
    const first = String(error instanceof Error ? error.message : error).split('\n')[0]
    const install = `npm install --prefix ${extras} sherpa-onnx-node`
    throw new ProgramError('unavailable', `Expected sherpa-onnx-node in ${extras} (${first}). Try: ${install}`)
  }
}

function load({ model, threads }: LoadRequest): Recognise {
  // The library ends the program over a missing file, with less to say.
  for (const file of Object.values(model.files))
    if (!existsSync(file)) throw new ProgramError('not-found', `Expected a model file at ${file}`)
  const library = loadLibrary()
  return model.kind === 'transducer' ? loadOnline(library, model, threads) : loadOffline(library, model, threads)
}

function loadOffline(library: SherpaLibrary, { kind, files }: LoadRequest['model'], numThreads: number): Recognise {
  const { tokens = '', encoder, decoder, preprocessor, 'cached-decoder': cachedDecoder } = files
  const moonshine = { preprocessor, encoder, uncachedDecoder: decoder, cachedDecoder }
  const configOf = (language: string, task: string) => ({
    featConfig: { sampleRate, featureDim: 80 },
    modelConfig: {
      ...(kind === 'whisper' ? { whisper: { encoder, decoder, language, task, tailPaddings: -1 } } : { moonshine }),
      tokens,
      numThreads,
      provider: 'cpu',
    },
  })
  const recognizer = new library.OfflineRecognizer(configOf('', 'transcribe'))
  return ({ samples, language, translate }) => {
    if (kind === 'whisper') recognizer.setConfig(configOf(language ?? '', translate ? 'translate' : 'transcribe'))
    const stream = recognizer.createStream()
    stream.acceptWaveform({ samples: toFloats(samples, 0), sampleRate })
    recognizer.decode(stream)
    return recognizer.getResult(stream)
  }
}

function loadOnline(library: SherpaLibrary, { files }: LoadRequest['model'], numThreads: number): Recognise {
  const { tokens = '', encoder, decoder, joiner } = files
  const transducer = { encoder, decoder, joiner }
  const recognizer = new library.OnlineRecognizer({
    featConfig: { sampleRate, featureDim: 80 },
    modelConfig: { transducer, tokens, numThreads, provider: 'cpu' },
  })
  return ({ samples }) => {
    const stream = recognizer.createStream()
    stream.acceptWaveform({ samples: toFloats(samples, tailSamples), sampleRate })
    stream.inputFinished?.()
    while (recognizer.isReady(stream)) recognizer.decode(stream)
    return recognizer.getResult(stream)
  }
}

function toFloats(base64: string, tail: number): Float32Array {
  const bytes = Buffer.from(base64, 'base64')
  const floats = new Float32Array(bytes.length / 2 + tail)
  for (let i = 0; i < bytes.length / 2; i++) floats[i] = bytes.readInt16LE(2 * i) / 32_768
  return floats
}

/** Words out of pieces: a piece that begins with a space, or the sign for one, begins a word. It ends where the next one begins. */
function toWords({ tokens = [], timestamps = [] }: SherpaResult, end: number) {
  const words: { text: string; start: number; end: number }[] = []
  if (timestamps.length !== tokens.length) return words
  for (const [i, token] of tokens.entries()) {
    const start = timestamps[i] ?? 0
    const piece = token.replace(/^[ ▁]/, '')
    const last = words.at(-1)
    if (last) last.end = Math.max(last.end, start)
    if (last && piece === token) last.text += piece
    else words.push({ text: piece, start, end: start })
  }
  const last = words.at(-1)
  if (last) last.end = Math.max(last.start, Math.min(end, last.start + 0.5))
  return words.filter(({ text }) => text !== '')
}

let recognise: Recognise | undefined

function answer(request: SherpaRequest): SherpaAnswer {
  if (request.type === 'load') {
    recognise = load(request)
    return { type: 'loaded' }
  }
  if (!recognise) throw new ProgramError('invalid', 'Expected load before recognise')
  const result = recognise(request)
  const seconds = Buffer.byteLength(request.samples, 'base64') / 2 / sampleRate
  const language = result.lang?.replace(/[<>|]/g, '') || request.language
  const words = toWords(result, seconds)
  return { type: 'result', id: request.id, text: result.text.trim(), words, language }
}

function tell(message: SherpaAnswer): void {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}

function take(line: string): void {
  let id: number | undefined
  try {
    const request = sherpaRequest.parse(JSON.parse(line))
    if (request.type === 'recognise') id = request.id
    tell(answer(request))
  } catch (error) {
    const code = error instanceof ProgramError ? error.code : 'invalid'
    tell({ type: 'error', ...(id !== undefined && { id }), code, message: String((error as Error).message) })
  }
}

createInterface(process.stdin).on('line', take)
