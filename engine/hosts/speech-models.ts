import { EngineError } from '../errors.ts'
import { PocketsphinxProgram } from './pocketsphinx-program.ts'
import { privateBytes, privateBytesOf } from './private-bytes.ts'
import { RestartingProgram } from './restarting-program.ts'
import { SherpaProcess } from './sherpa-process.ts'
import { type LoadedSpeechModel, SpeechNetwork, type Tensor } from './speech-network.ts'
import {
  detectorContext,
  detectorState,
  detectorStep,
  type PiperInput,
  type SpeechArtefact,
  type SpeechProtocol,
} from './speech-protocol.ts'

/** Windows that may wait for one recogniser; the next one is `busy`. */
const maxWaiting = 16
/** Piper's own: a sentence that is softer than this stays so. */
const softestPeak = 0.01

type Calls = SpeechProtocol['calls']
type LoadParams = Calls['load']['params']
type RecogniseParams = Calls['recognise']['params']

/** A loaded model, and what waits for it. */
interface Entry {
  readonly loaded: LoadedSpeechModel
  /** Ends once nothing is asked of the recogniser. */
  last: Promise<unknown>
  waiting: number
}

/** The models of a speech host by name. */
export class SpeechModels {
  readonly #entries = new Map<string, Entry>()

  /** Loads of one host come one after the other, so that each is measured alone. */
  async load(params: LoadParams, signal: AbortSignal): Promise<Calls['load']['result']> {
    await this.#entries.get(params.model)?.loaded.end()
    const before = await privateBytes()
    const loaded = await this.#start(params, signal)
    const { pid } = loaded
    const bytes = pid === undefined ? Math.max(0, (await privateBytes()) - before) : await privateBytesOf(pid)
    return { bytes }
  }

  /** Resolves when the memory is given back; at once for a model that is not loaded. */
  async unload(model: string): Promise<Calls['unload']['result']> {
    const entry = this.#entries.get(model)
    if (!entry) return { bytes: 0 }
    this.#entries.delete(model)
    const { pid } = entry.loaded
    const before = pid === undefined ? await privateBytes() : await privateBytesOf(pid)
    await entry.loaded.end()
    return { bytes: pid === undefined ? Math.max(0, before - (await privateBytes())) : before }
  }

  async detect(params: Calls['detect']['params'], signal: AbortSignal): Promise<Calls['detect']['result']> {
    const { samples, memory } = params
    if (samples.length % detectorStep !== 0 || memory.length !== detectorState + detectorContext)
      throw new EngineError('invalid', `Expected whole steps of ${detectorStep} samples, received ${samples.length}`)
    return this.#network(params.model).detect(params, signal)
  }

  /** One window at a time; an abort while it waits lets it pass. */
  async recognise(params: RecogniseParams, signal: AbortSignal): Promise<Calls['recognise']['result']> {
    const entry = this.#entry(params.model)
    const { loaded } = entry
    if (!loaded.recognise) throw new EngineError('invalid', `Expected a recogniser, received ${params.model}`)
    if (entry.waiting >= maxWaiting)
      throw new EngineError(
        'busy',
        `Expected at most ${maxWaiting} windows to wait for ${params.model}; try again later`,
      )
    entry.waiting++
    const work = entry.last.then(async () => {
      if (signal.aborted) throw new EngineError('cancelled', 'The caller gave up')
      return loaded.recognise?.(params, signal) as Promise<Calls['recognise']['result']>
    })
    entry.last = work.catch(() => undefined)
    try {
      return await work
    } finally {
      entry.waiting--
    }
  }

  async synthesise({ model, input }: Calls['synthesise']['params'], signal: AbortSignal): Promise<Int16Array> {
    return toLoudSamples(await this.#network(model).run(toFeeds(input), signal))
  }

  async #start({ model, artefact }: LoadParams, signal: AbortSignal): Promise<LoadedSpeechModel> {
    const loaded =
      artefact.kind === 'network'
        ? await this.#startNetwork(model, artefact, signal)
        : await startProgram(artefact, signal)
    this.#entries.set(model, { loaded, last: Promise.resolve(), waiting: 0 })
    return loaded
  }

  async #startNetwork(
    model: string,
    { path, threads }: Extract<SpeechArtefact, { kind: 'network' }>,
    signal: AbortSignal,
  ): Promise<SpeechNetwork> {
    const network: SpeechNetwork = new SpeechNetwork(model, () => {
      if (this.#entries.get(model)?.loaded === network) this.#entries.delete(model)
    })
    try {
      await network.load(path, threads, signal)
      return network
    } catch (error) {
      await network.end()
      throw error
    }
  }

  #entry(model: string): Entry {
    const entry = this.#entries.get(model)
    if (!entry) throw new EngineError('unavailable', `Expected model ${model} to be loaded; try again`)
    return entry
  }

  #network(model: string): SpeechNetwork {
    const { loaded } = this.#entry(model)
    if (loaded instanceof SpeechNetwork) return loaded
    throw new EngineError('invalid', `Expected a network, received ${model}`)
  }
}

async function startProgram(
  artefact: Exclude<SpeechArtefact, { kind: 'network' }>,
  signal: AbortSignal,
): Promise<RestartingProgram> {
  const program =
    artefact.kind === 'pocketsphinx'
      ? new RestartingProgram(async () => new PocketsphinxProgram())
      : new RestartingProgram((ends) => SherpaProcess.start(artefact, ends))
  await program.ready(signal)
  return program
}

function toFeeds({ ids, noiseScale, lengthScale, noiseWidth, speaker }: PiperInput): Record<string, Tensor> {
  const int64 = (values: readonly number[], dims: readonly number[]): Tensor => ({
    type: 'int64',
    data: BigInt64Array.from(values, BigInt),
    dims,
  })
  const scales = Float32Array.from([noiseScale, lengthScale, noiseWidth])
  return {
    input: int64(ids, [1, ids.length]),
    input_lengths: int64([ids.length], [1]),
    scales: { type: 'float32', data: scales, dims: [3] },
    ...(speaker !== null && { sid: int64([speaker], [1]) }),
  }
}

/** As loud as 16 bit allow, as Piper does with each sentence. */
function toLoudSamples(sound: Float32Array): Int16Array {
  const peak = sound.reduce((most, value) => Math.max(most, Math.abs(value)), softestPeak)
  return Int16Array.from(sound, (value) => Math.round((value / peak) * 32_767))
}
