import { type ChildProcess, spawn } from 'node:child_process'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { EngineError, messageOf } from '../errors.ts'

/** One run of the program. */
export interface FfmpegRun {
  /** Options of input and output; the output goes to `pipe:1`, the input comes from `pipe:0` or from `inheritedFile`. */
  readonly args: readonly string[]
  /** Bytes for its standard input as it takes them, or an open file, which stays the caller's. */
  readonly input: AsyncIterable<Uint8Array> | { readonly fd: number }
  readonly deadlineMs: number
  /** What it was to do, for messages: `decode the audio`. */
  readonly purpose: string
}

/** Where `input.fd` is found by the program: opened anew there, so that it can seek from the start. */
export const inheritedFile = 'file:/proc/self/fd/3'

/** So that live streams go first. */
const niceness = '5'
/** Bytes of one block of memory: a file may claim any size. */
const maxBlock = '268435456'
/** Of what it complains about, the end is kept. */
const keptComplaint = 2000
const noProgram = 127

/**
 * Runs ffmpeg as a child process of lower priority and yields its output as it comes, at the reader's pace. Leaving the loop,
 * the signal or the deadline kills it, and it has ended when this has. Throws `invalid` with its complaint when it fails,
 * `unavailable` where it is not installed, `timeout`, the signal's reason, or what `input` threw.
 */
export async function* runFfmpeg(run: FfmpegRun, signal: AbortSignal): AsyncGenerator<Buffer, void, void> {
  signal.throwIfAborted()
  const late = AbortSignal.timeout(run.deadlineMs)
  const left = new AbortController()
  const stop = AbortSignal.any([signal, late, left.signal])
  const child = start(run)
  const kill = () => child.kill('SIGKILL')
  stop.addEventListener('abort', kill, { once: true })
  const ending = endOf(child)
  const complaint = keepComplaint(child)
  const feeding = feed(child, run.input, stop)
  try {
    for await (const chunk of child.stdout as Readable) yield chunk as Buffer
    const code = await ending
    signal.throwIfAborted()
    if (late.aborted) throw tooLate(run)
    if (code !== 0) throw await failure(run, code, complaint(), feeding)
  } finally {
    left.abort()
    kill()
    await Promise.all([ending.catch(() => undefined), feeding])
  }
}

function start({ args, input }: FfmpegRun): ChildProcess {
  const common = ['-hide_banner', '-nostdin', '-loglevel', 'error', '-max_alloc', maxBlock, '-threads', '1']
  const fromFile = 'fd' in input
  const stdio = ['pipe', 'pipe', 'pipe', ...(fromFile ? [input.fd] : [])] as const
  return spawn('nice', ['-n', niceness, 'ffmpeg', ...common, ...args], { stdio: [...stdio] })
}

/** The exit status once the process has ended and its output was read; null: killed. */
function endOf(child: ChildProcess): Promise<number | null> {
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', (error) =>
      reject(new EngineError('unavailable', `ffmpeg could not be started: ${error.message}`)),
    )
    child.once('close', resolve)
  })
  ended.catch(() => undefined)
  return ended
}

function keepComplaint({ stderr }: ChildProcess): () => string {
  let text = ''
  stderr?.setEncoding('utf8').on('data', (more: string) => {
    text = (text + more).slice(-keptComplaint)
  })
  return () => text.trim()
}

/** Resolves with what `input` threw; that the program ended before all was read shows in its exit status. */
async function feed(child: ChildProcess, input: FfmpegRun['input'], signal: AbortSignal): Promise<unknown> {
  const { stdin } = child
  if (stdin === null) return undefined
  stdin.on('error', () => undefined) // the program's end tells more
  if ('fd' in input) {
    stdin.end()
    return undefined
  }
  let thrown: unknown
  const watched = (async function* () {
    try {
      yield* input
    } catch (error) {
      thrown = error
      child.kill('SIGKILL')
    }
  })()
  await pipeline(Readable.from(watched, { objectMode: false }), stdin, { signal }).catch(() => undefined)
  return thrown
}

async function failure(
  { purpose }: FfmpegRun,
  code: number | null,
  complaint: string,
  feeding: Promise<unknown>,
): Promise<unknown> {
  const thrown = await feeding
  if (thrown !== undefined) return thrown
  if (code === noProgram)
    return new EngineError('unavailable', 'Expected the program ffmpeg, found none. Run: apt-get install ffmpeg')
  const last = complaint.split('\n').at(-1) || `exit ${messageOf(code)}`
  return new EngineError('invalid', `ffmpeg could not ${purpose}: ${last.replaceAll(inheritedFile, 'the upload')}`)
}

function tooLate({ deadlineMs, purpose }: FfmpegRun): EngineError {
  return new EngineError('timeout', `Expected ffmpeg to ${purpose} within ${deadlineMs / 1000} s`)
}
