import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { EngineError, messageOf } from '../errors.ts'
import type { Catalogue } from './catalogue.ts'
import type { MissingVoice } from './clause-synthesiser.ts'
import { FolderNames } from './folder-names.ts'
import type { ModelStore } from './model-store.ts'
import { openPiperVoice, type PiperVoice } from './piper-voice.ts'
import type { SpeechHost } from './speech-host.ts'

const settingsEnding = '.onnx.json'
const unknownSampleRate = 22_050

/** Where Piper voices may be. */
export interface PiperVoicesOptions {
  readonly catalogue: Catalogue
  readonly store: Pick<ModelStore, 'look'>
  /** Folders in which voices lie that the catalogue does not know: a network and its settings beside it. */
  readonly folders: readonly string[]
  readonly host: SpeechHost
  readonly threads: number
  readonly log: Logger
}

interface FoundVoice {
  readonly name: string
  readonly aliases: readonly string[]
  readonly model: string
  readonly network: string
  readonly settings: string
  readonly why: string
}

/** The Piper voices of this machine: those of the catalogue first, then others that lie in the folders. */
export class PiperVoices {
  readonly #options: PiperVoicesOptions
  /** By the settings' path and time: read once. */
  readonly #opened = new Map<string, PiperVoice>()
  readonly #broken = new Set<string>()

  constructor(options: PiperVoicesOptions) {
    this.#options = options
  }

  async list(): Promise<{ readonly here: readonly PiperVoice[]; readonly missing: readonly MissingVoice[] }> {
    const missing: MissingVoice[] = []
    const found: FoundVoice[] = []
    const names = new FolderNames()
    for (const model of this.#options.catalogue.models) {
      if (model.piper === undefined) continue
      const name = stem(model.piper.files[0]?.name ?? model.name)
      const place = await this.#options.store.look(model, 'piper', names)
      if ('missing' in place)
        missing.push(missingVoice({ name, model: model.name, why: place.missing }, model.piper.language))
      else {
        const [network = '', settings = ''] = place.paths
        found.push({ name, aliases: [model.name], model: model.name, network, settings, why: place.why })
      }
    }
    const known = new Set([...found, ...missing.map(({ voice }) => voice)].map(({ name }) => name))
    for (const folder of this.#options.folders)
      found.push(...(await voicesIn(folder)).filter(({ name }) => !known.has(name)))
    const opened = await Promise.all(found.map((voice) => this.#open(voice)))
    return { here: opened.filter((voice) => voice !== undefined), missing }
  }

  /** A voice whose settings cannot be read is named in the log once, and left out. */
  async #open({ network, settings, why, ...who }: FoundVoice): Promise<PiperVoice | undefined> {
    const [{ size: bytes }, { mtimeMs }] = await Promise.all([stat(network), stat(settings)])
    const version = `${settings} ${mtimeMs}`
    const known = this.#opened.get(version)
    if (known || this.#broken.has(version)) return known
    try {
      const voice = await openPiperVoice({ network, settings, bytes, why }, who, this.#options)
      this.#opened.set(version, voice)
      return voice
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      this.#broken.add(version)
      this.#options.log.warn({ voice: who.name, reason: messageOf(error) }, 'voice left out')
      return undefined
    }
  }
}

/** Pairs of a network and its settings in a folder; none where the folder is not there. */
async function voicesIn(folder: string): Promise<FoundVoice[]> {
  const names = new Set(await readdir(folder).catch(() => []))
  return [...names]
    .filter((file) => file.endsWith(settingsEnding) && names.has(file.slice(0, -'.json'.length)))
    .sort()
    .map((file) => {
      const name = file.slice(0, -settingsEnding.length)
      const network = join(folder, `${name}.onnx`)
      return {
        name,
        aliases: [],
        model: `piper:${name}`,
        network,
        settings: join(folder, file),
        why: `found in ${folder}`,
      }
    })
}

function stem(file: string): string {
  return file.replace(/\.onnx$/, '')
}

function missingVoice(
  { name, model, why }: { name: string; model: string; why: string },
  language: string,
): MissingVoice {
  const sampleRate = name.endsWith('-low') ? 16_000 : unknownSampleRate
  const state = 'missing' as const
  return {
    model,
    voice: { name, backend: 'piper', language: language.replace('_', '-'), state, why, sampleRate, speakers: [] },
  }
}
