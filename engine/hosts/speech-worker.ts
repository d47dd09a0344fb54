import { existsSync } from 'node:fs'
import ort from 'onnxruntime-node'
import { EngineError, messageOf } from '../errors.ts'
import { serve } from './channel.ts'
import type { NetworkProtocol, Tensor } from './speech-network.ts'
import { detectorContext, detectorState, detectorStep } from './speech-protocol.ts'
import { mainPort } from './worker-port.ts'

/** A file that did not load for want of these may load later: it is no broken file. */
const lacksMeans = /bad_alloc|allocat|out of memory|too many open files/i
/** ONNX Runtime's scale: 3 is errors. */
const logErrors = 3
const sampleRate = 16_000n

async function loadNetwork(path: string, threads: number): Promise<ort.InferenceSession> {
  if (!existsSync(path)) throw new EngineError('not-found', `Expected a model file at ${path}`)
  try {
    return await ort.InferenceSession.create(path, {
      executionProviders: ['cpu'],
      graphOptimizationLevel: 'all',
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      // Sentences differ in length: buffers laid out for one would only be laid out anew for the next.
      enableMemPattern: false,
      extra: { session: { intra_op: { allow_spinning: '0' } } },
      logSeverityLevel: logErrors,
    })
  } catch (error) {
    const message = `Expected a network for speech in ${path}: ${messageOf(error)}`
    throw new EngineError(lacksMeans.test(message) ? 'unavailable' : 'invalid', message, { cause: error })
  }
}

async function run(session: ort.InferenceSession, feeds: Readonly<Record<string, Tensor>>): Promise<Float32Array> {
  const tensors = Object.entries(feeds).map(([name, { type, data, dims }]) => [name, new ort.Tensor(type, data, dims)])
  try {
    const results = await session.run(Object.fromEntries(tensors))
    // A copy: the memory of the tensor is ONNX Runtime's own, and cannot be handed to another thread.
    return floats(results, session.outputNames[0] ?? '').slice()
  } catch (error) {
    throw new EngineError('invalid', `The network refuses its input: ${messageOf(error)}`, { cause: error })
  }
}

function floats(results: ort.InferenceSession.ReturnType, name: string): Float32Array {
  const data = results[name]?.data
  if (data instanceof Float32Array) return data
  throw new EngineError('invalid', `Expected the network to have a float32 output ${name}, found none`)
}

/** Silero v6 hears a step better when it sees the last samples of the one before. */
async function detect(session: ort.InferenceSession, samples: Float32Array, memory: Float32Array) {
  const input = new Float32Array(detectorContext + detectorStep)
  const probabilities = new Float32Array(samples.length / detectorStep)
  let state = memory.slice(0, detectorState)
  input.set(memory.subarray(detectorState))
  for (let step = 0; step < probabilities.length; step++) {
    input.set(samples.subarray(step * detectorStep, (step + 1) * detectorStep), detectorContext)
    const results = await session.run({
      input: new ort.Tensor('float32', input, [1, input.length]),
      state: new ort.Tensor('float32', state, [2, 1, 128]),
      sr: new ort.Tensor('int64', [sampleRate], []),
    })
    probabilities[step] = floats(results, 'output')[0] ?? 0
    state = floats(results, 'stateN').slice()
    input.copyWithin(0, detectorStep)
  }
  const next = new Float32Array(detectorState + detectorContext)
  next.set(state)
  next.set(input.subarray(0, detectorContext), detectorState)
  return { probabilities, memory: next }
}

let session: ort.InferenceSession | undefined
let last: Promise<unknown> = Promise.resolve()

/** One call at a time: the network's threads are all there are. */
function inTurn<T>(work: (loaded: ort.InferenceSession) => Promise<T>, signal: AbortSignal): Promise<T> {
  const next = last.then(() => {
    if (signal.aborted) throw new EngineError('cancelled', 'The caller gave up')
    if (!session) throw new EngineError('unavailable', 'Expected the model to be loaded')
    return work(session)
  })
  last = next.catch(() => undefined)
  return next
}

serve<NetworkProtocol>(
  {
    calls: {
      load: async ({ path, threads }) => {
        session = await loadNetwork(path, threads)
        return { inputs: session.inputNames }
      },
      run: async ({ feeds }, signal) => ({ output: await inTurn((loaded) => run(loaded, feeds), signal) }),
      detect: ({ samples, memory }, signal) => inTurn((loaded) => detect(loaded, samples, memory), signal),
      release: async () => {
        await last
        await session?.release()
        session = undefined
        return { released: true }
      },
    },
  },
  mainPort(),
)
