import { join } from 'node:path'
import type { Logger } from 'pino'
import { EngineError } from '../errors.ts'
import { Host, type HostStatus, type OnHostStart, type SharedPool } from '../hosts/host.ts'
import { findProgram } from '../hosts/program.ts'
import type { SpeechProtocol } from '../hosts/speech-protocol.ts'
import type { Catalogue } from './catalogue.ts'
import { ClauseSynthesiser, type VoiceList } from './clause-synthesiser.ts'
import type { DefaultModel } from './default-model.ts'
import { EspeakVoice } from './espeak-voice.ts'
import { FolderNames } from './folder-names.ts'
import { createHostRecogniser } from './host-recogniser.ts'
import type { ModelStore } from './model-store.ts'
import { PiperVoices } from './piper-voices.ts'
import { findPocketsphinx, pocketsphinxBytes } from './pocketsphinx.ts'
import { PocketsphinxSpotter } from './pocketsphinx-spotter.ts'
import { RecentLook } from './recent-look.ts'
import type { Residency } from './residency.ts'
import { SileroDetector } from './silero-detector.ts'
import type { KeywordSpotter, Recogniser, Speech, Synthesiser, VoiceDetector } from './speech.ts'
import { SpeechHost } from './speech-host.ts'
import { type SherpaEntry, SpeechModelFinder, type SpeechModelPlace } from './speech-model-finder.ts'
import type { LoadedModelStatus } from './vision-model-status.ts'

/** The voice of espeak-ng that speaks when nobody says which, where there is no Piper voice. */
const firstEspeakVoice = 'en-us'
const listDeadlineMs = 20_000
const never = new AbortController().signal

/** What the engine's speech is made with. */
export interface SpeechEngineOptions {
  readonly pool: SharedPool
  readonly catalogue: Catalogue
  readonly store: Pick<ModelStore, 'look'>
  /** Which models are loaded; its owner's. */
  readonly residency: Residency
  /** Voices that the catalogue does not know may lie in `models` of it, sherpa-onnx-node in `extras`. */
  readonly stateFolder: string
  /** Searched for voices that the catalogue does not know as well. */
  readonly paths: readonly string[]
  /** Threads of one network, at least 1. */
  readonly threads: number
  readonly log: Logger
  /** Recognisers of other hosts that are here now, better than ours: the Hailo device's. They get the detector. Their owner's. */
  readonly others?: (detector: VoiceDetector) => Promise<readonly Recogniser[]>
  readonly onHostStart?: OnHostStart
}

/** A model of speech, and where its files are. */
interface LookedAt {
  readonly what: Pick<LoadedModelStatus, 'name' | 'task' | 'backend'>
  readonly place: SpeechModelPlace
  /** As `/api/voices` names it. */
  readonly voice?: string
}

/** What recognises, speaks and hears voices for who names nothing. */
export type SpeechDefaults = Readonly<Record<'transcribe' | 'speak' | 'voice-activity', DefaultModel>>

/** Recognition, synthesis and voice activity by one speech host, which is started by the first use. Its owner disposes it. */
export class SpeechEngine implements Speech, AsyncDisposable {
  readonly detector: VoiceDetector
  readonly synthesiser: Synthesiser
  readonly spotter: KeywordSpotter = new PocketsphinxSpotter()
  readonly #options: SpeechEngineOptions
  readonly #host: Host<SpeechProtocol>
  readonly #speechHost: SpeechHost
  readonly #finder: SpeechModelFinder
  readonly #piper: PiperVoices
  #espeak: readonly EspeakVoice[] | undefined
  readonly #looked = new RecentLook(() => this.#look())

  constructor(options: SpeechEngineOptions) {
    const { pool, log, residency, stateFolder, paths, onHostStart: onStart } = options
    this.#options = options
    this.#host = new Host<SpeechProtocol>({ name: 'speech', entry: 'speech', pool, log, restart: true, onStart })
    const host = new SpeechHost(this.#host, residency)
    this.#speechHost = host
    this.#finder = new SpeechModelFinder({ ...options, extras: join(stateFolder, 'extras') })
    this.#piper = new PiperVoices({ ...options, host, folders: [...paths, join(stateFolder, 'models')] })
    this.detector = new SileroDetector({ host, model: () => this.#finder.detector() })
    this.synthesiser = new ClauseSynthesiser(() => this.#voices())
  }

  async recognisers(): Promise<readonly Recogniser[]> {
    const others = (await this.#options.others?.(this.detector)) ?? []
    const names = new FolderNames()
    const sherpa = await Promise.all(this.#finder.sherpaEntries().map((entry) => this.#sherpa(entry, names)))
    const pocketsphinx = 'paths' in findPocketsphinx() ? [this.#pocketsphinx()] : []
    return [...others, ...sherpa.filter((found) => found !== undefined), ...pocketsphinx]
  }

  async recogniser(name?: string): Promise<Recogniser> {
    const here = await this.recognisers()
    const found = name === undefined ? here[0] : here.find((one) => one.name === name)
    if (found) return found
    if (name === undefined) {
      const { missing } = findPocketsphinx() as { readonly missing: string }
      throw new EngineError('unavailable', `Expected a recogniser: ${missing}, or: hailstream models pull whisper-base`)
    }
    const known = (await this.status()).find((model) => model.task === 'transcribe' && model.name === name)
    if (known) throw new EngineError('unavailable', `Expected the recogniser ${name}: ${known.why}`)
    const names = here.map((one) => one.name).join(', ')
    throw new EngineError('not-found', `Expected a recogniser (${names}), received ${name}`)
  }

  /** The child processes that this engine runs. */
  hosts(): HostStatus[] {
    return [this.#host.status]
  }

  /** Every model of speech that this engine could run, for health: see `RecentLook.recent`. Nothing is loaded or fetched by asking. */
  async status(): Promise<LoadedModelStatus[]> {
    return (await this.#looked.recent()).map((model) => this.#statusOf(model))
  }

  /** Which models are taken where nobody names one, for health: as `status`. */
  async defaults(): Promise<SpeechDefaults> {
    const looked = await this.#looked.recent()
    const first = (task: string) => firstOf(looked.filter(({ what }) => what.task === task))
    const [other] = (await this.#options.others?.(this.detector)) ?? []
    const transcribe = other && { name: other.name, backend: other.backend, why: `here, and on ${other.backend} first` }
    return {
      transcribe: transcribe ?? first('transcribe'),
      speak: first('speak'),
      'voice-activity': first('voice-activity'),
    }
  }

  /** Ends the host; what runs fails as `unavailable`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#host[Symbol.asyncDispose]()
  }

  #pocketsphinx(): Recogniser {
    const artefact = { kind: 'pocketsphinx' } as const
    const model = { name: 'pocketsphinx', backend: 'pocketsphinx', artefact, expectedBytes: pocketsphinxBytes }
    const parts = { host: this.#speechHost, detector: this.detector }
    return createHostRecogniser({ ...parts, model, languages: ['en'], translates: false, accuracy: 'low' })
  }

  async #sherpa(entry: SherpaEntry, names: FolderNames): Promise<Recogniser | undefined> {
    const place = await this.#finder.placeOfSherpa(entry.model, names)
    if ('missing' in place) return undefined
    const model = await this.#finder.sherpaModel(entry, place.paths)
    const isMany = entry.kind === 'whisper' && !model.name.endsWith('.en')
    const languages = isMany ? 'any' : ['en']
    const parts = { host: this.#speechHost, detector: this.detector }
    return createHostRecogniser({ ...parts, model, languages, translates: isMany, accuracy: 'high' })
  }

  async #voices(): Promise<VoiceList> {
    const { here, missing } = await this.#piper.list()
    return { here: [...here, ...(await this.#espeakVoices())], missing }
  }

  /** They stay as they are while the program is installed: asked for once. */
  async #espeakVoices(): Promise<readonly EspeakVoice[]> {
    if (findProgram('espeak-ng') === undefined) return []
    if (this.#espeak) return this.#espeak
    const options = { signal: never, deadlineMs: listDeadlineMs }
    const { voices } = await this.#speechHost.call('espeakVoices', {}, options)
    const sorted = [...voices].sort((a, b) => Number(b === firstEspeakVoice) - Number(a === firstEspeakVoice))
    this.#espeak = sorted.map((name) => new EspeakVoice(name, this.#speechHost))
    return this.#espeak
  }

  async #look(): Promise<LookedAt[]> {
    const names = new FolderNames()
    const sherpa = this.#finder.sherpaEntries().map(async ({ model }) => {
      const place = await this.#finder.placeOfSherpa(model, names)
      return { what: { name: model.name, task: 'transcribe', backend: 'sherpa-onnx' }, place }
    })
    const detector = { name: 'silero-vad', task: 'voice-activity', backend: 'onnx' }
    const pocketsphinx = { name: 'pocketsphinx', task: 'transcribe', backend: 'pocketsphinx' }
    return [
      { what: detector, place: await this.#finder.placeOfDetector() },
      ...(await Promise.all(sherpa)),
      { what: pocketsphinx, place: findPocketsphinx() },
      ...(await this.#lookForVoices()),
    ]
  }

  async #lookForVoices(): Promise<LookedAt[]> {
    const { here, missing } = await this.#piper.list()
    const piper = (name: string, voice: string, place: SpeechModelPlace) => ({
      ...{ what: { name, task: 'speak', backend: 'piper' }, voice, place },
    })
    const hasEspeak = findProgram('espeak-ng') !== undefined
    const espeak: SpeechModelPlace = hasEspeak
      ? { paths: [], why: 'installed with the system' }
      : { missing: 'the program is not installed. Try: sudo apt install espeak-ng' }
    return [
      ...here.map(({ voice, modelName }) => piper(modelName, voice.name, { paths: [], why: voice.why })),
      ...missing.map(({ voice, model }) => piper(model, voice.name, { missing: voice.why })),
      { what: { name: 'espeak-ng', task: 'speak', backend: 'espeak-ng' }, voice: firstEspeakVoice, place: espeak },
    ]
  }

  #statusOf({ what, place }: LookedAt): LoadedModelStatus {
    if ('missing' in place) return { ...what, state: 'missing', why: place.missing }
    return { ...what, state: this.#speechHost.isLoaded(what.name) ? 'loaded' : 'available', why: place.why }
  }
}

/** The first whose files are here; of those that are not, the last needs no download. */
function firstOf(looked: readonly LookedAt[]): DefaultModel {
  const names = looked.map(({ what }) => what.name)
  for (const { what, place, voice } of looked)
    if ('paths' in place)
      return {
        name: voice ?? what.name,
        backend: what.backend,
        why: `${place.why}; the first here of ${names.join(', ')}`,
      }
  const last = looked.at(-1)
  const missing = last && 'missing' in last.place ? `${last.what.name}: ${last.place.missing}` : 'there is none'
  return { name: null, backend: null, why: missing }
}
