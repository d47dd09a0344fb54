import { EngineError } from '../errors.ts'
import { endedEarly, expectProgram, Program } from './program.ts'

/** espeak-ng is a hundred times faster than speech; a text that takes so long hangs it. */
const deadlineMs = 20_000
/** The canonical header of the WAV that espeak-ng writes to its standard output. */
const headerBytes = 44
const sampleBytes = 2

/** A text as espeak-ng says it, in the order in which it comes. Aborting or leaving the loop kills the program. */
export async function* speakByEspeak(
  { voice, text, wordsPerMinute }: { readonly voice: string; readonly text: string; readonly wordsPerMinute: number },
  signal: AbortSignal,
): AsyncGenerator<Int16Array, void, undefined> {
  const args = ['-v', voice, '-s', String(wordsPerMinute), '-b', '1', '--stdin', '--stdout']
  yield* runEspeak(args, text, signal, toSamples)
}

/** IPA of a text, one clause a line, without marks of changes of the language. */
export async function pronounceByEspeak(
  { voice, text }: { readonly voice: string; readonly text: string },
  signal: AbortSignal,
): Promise<string[]> {
  const lines = await readLines(['-v', voice, '-b', '1', '-q', '--ipa', '--stdin'], text, signal)
  return lines.map((line) => line.replace(/\([^)]*\)/g, '').trim()).filter((line) => line !== '')
}

/** Names of the voices that espeak-ng has by itself: those of mbrola need packages that are not free. */
export async function listEspeakVoices(signal: AbortSignal): Promise<string[]> {
  const [, ...lines] = await readLines(['--voices'], '', signal)
  const rows = lines.map((line) => line.trim().split(/\s+/))
  const own = rows.filter(([, , , , file = '']) => file !== '' && !/^(mb|!v)\//.test(file))
  return [...new Set(own.flatMap(([, language = '']) => (language === '' ? [] : [language.toLowerCase()])))]
}

async function readLines(args: readonly string[], text: string, signal: AbortSignal): Promise<string[]> {
  const parts: Buffer[] = []
  for await (const part of runEspeak(args, text, signal, passOn)) parts.push(part)
  return Buffer.concat(parts).toString('utf8').split('\n')
}

type Read<T> = (output: AsyncIterable<Buffer>) => AsyncIterable<T>

async function* runEspeak<T>(
  args: readonly string[],
  text: string,
  signal: AbortSignal,
  read: Read<T>,
): AsyncGenerator<T, void, undefined> {
  const program = new Program({ command: expectProgram('espeak-ng', 'espeak-ng'), args })
  let late = false
  const timer = setTimeout(() => {
    late = true
    program.kill()
  }, deadlineMs)
  const kill = () => program.kill()
  signal.addEventListener('abort', kill, { once: true })
  try {
    if (signal.aborted) kill()
    program.stdin.end(text)
    yield* read(program.stdout as AsyncIterable<Buffer>)
    const how = await program.exited
    if (late) throw new EngineError('timeout', `Expected espeak-ng to end within ${deadlineMs} ms`)
    if (signal.aborted) throw new EngineError('cancelled', 'The caller gave up')
    if (how !== 'status 0') throw endedEarly('espeak-ng', how, program.lastWords)
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', kill)
    await program.end()
  }
}

const passOn: Read<Buffer> = (output) => output

/** Samples without the header; a sample may lie over two pieces. */
async function* toSamples(output: AsyncIterable<Buffer>): AsyncGenerator<Int16Array, void, undefined> {
  let rest = Buffer.alloc(0)
  let toSkip = headerBytes
  for await (const part of output) {
    const skipped = Math.min(toSkip, part.length)
    toSkip -= skipped
    const bytes = Buffer.concat([rest, part.subarray(skipped)])
    const whole = bytes.length - (bytes.length % sampleBytes)
    rest = bytes.subarray(whole)
    if (whole > 0) yield copySamples(bytes.subarray(0, whole))
  }
}

/** A copy, since a piece of a buffer need not begin at an even address. */
function copySamples(bytes: Buffer): Int16Array {
  const samples = new Int16Array(bytes.length / sampleBytes)
  new Uint8Array(samples.buffer).set(bytes)
  return samples
}
