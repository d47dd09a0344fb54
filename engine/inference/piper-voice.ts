import { EngineError } from '../errors.ts'
import { type PiperSettings, readPiperSettings, toParts, toPhonemeIds } from './piper-settings.ts'
import type { Use } from './residency-options.ts'
import type { SpeakingVoice } from './speaking-voice.ts'
import type { SynthesisOptions, Voice } from './speech.ts'
import type { SpeechHost, SpeechModel } from './speech-host.ts'

/** A clause is at most 15 s of speech; a machine that needs longer for it speaks no dialogue. */
const deadlineMs = 60_000
const use: Use = { priority: 'interactive', user: 'synthesis' }
/** So that a listener is given sound piece by piece: a quarter of a second. */
const pieceSeconds = 0.25
/** Piper's own values lie below 1; beyond this there is only noise. */
const loudestNoise = 2

/** A Piper voice whose files are here. */
export interface PiperVoiceOptions {
  readonly name: string
  readonly aliases: readonly string[]
  readonly why: string
  readonly settings: PiperSettings
  readonly model: SpeechModel
  readonly host: SpeechHost
}

/** A Piper voice: its network in the speech host, its phonemes from the espeak-ng program. */
export class PiperVoice implements SpeakingVoice {
  readonly voice: Voice
  readonly aliases: readonly string[]
  readonly #options: PiperVoiceOptions

  constructor(options: PiperVoiceOptions) {
    this.#options = options
    this.aliases = options.aliases
    const { audio, language, espeak, num_speakers, speaker_id_map } = options.settings
    this.voice = {
      name: options.name,
      backend: 'piper',
      language: (language?.code ?? espeak?.voice ?? 'und').replace('_', '-'),
      state: 'available',
      why: options.why,
      sampleRate: audio.sample_rate,
      speakers: num_speakers > 1 ? speakerNames(num_speakers, speaker_id_map) : [],
    }
  }

  /** Under which the residency knows it. */
  get modelName(): string {
    return this.#options.model.name
  }

  async prepare(
    { speed = 1, speaker, noiseScale = 0, noiseWidth = 0 }: SynthesisOptions,
    signal: AbortSignal,
  ): Promise<void> {
    if (!(speed >= 0.25 && speed <= 4))
      throw new EngineError('invalid', `Expected a speed of 0.25 to 4, received ${speed}`)
    for (const value of [noiseScale, noiseWidth])
      if (!(value >= 0 && value <= loudestNoise))
        throw new EngineError('invalid', `Expected noise of 0 to ${loudestNoise}, received ${value}`)
    this.#speakerId(speaker)
    const { host, model } = this.#options
    const lease = await host.lease(model, use, signal)
    lease[Symbol.dispose]()
  }

  async *say(
    clause: string,
    options: SynthesisOptions,
    signal: AbortSignal,
  ): AsyncGenerator<Int16Array, void, undefined> {
    const { host, model, settings } = this.#options
    const { speed = 1, speaker, noiseScale, noiseWidth } = options
    const { inference } = settings
    const input = {
      ids: await this.#idsOf(clause, signal),
      noiseScale: noiseScale ?? inference.noise_scale,
      lengthScale: inference.length_scale / speed,
      noiseWidth: noiseWidth ?? inference.noise_w,
      speaker: this.#speakerId(speaker),
    }
    const lease = await host.lease(model, use, signal)
    try {
      const { samples } = await host.ask('synthesise', { model: model.name, input }, { signal, deadlineMs })
      const piece = Math.round(pieceSeconds * settings.audio.sample_rate)
      for (let at = 0; at < samples.length; at += piece) yield samples.slice(at, at + piece)
    } finally {
      lease[Symbol.dispose]()
    }
  }

  async #idsOf(clause: string, signal: AbortSignal): Promise<number[]> {
    const { settings, host } = this.#options
    const voice = settings.espeak?.voice
    if (settings.phoneme_type === 'text' || voice === undefined)
      return toPhonemeIds([{ phonemes: clause.toLowerCase(), mark: '' }], settings)
    const parts: { phonemes: string; mark: string }[] = []
    for (const { text, mark } of toParts(clause)) {
      const { phonemes } = await host.call('pronounce', { voice, text }, { signal, deadlineMs })
      if (phonemes.length > 0) parts.push({ phonemes: phonemes.join(' '), mark })
    }
    return toPhonemeIds(parts, settings)
  }

  #speakerId(speaker: string | undefined): number | null {
    const { num_speakers, speaker_id_map } = this.#options.settings
    if (num_speakers === 1) {
      if (speaker === undefined) return null
      throw new EngineError('invalid', `Expected no speaker for ${this.voice.name}, which has one, received ${speaker}`)
    }
    if (speaker === undefined) return 0
    const id = speaker_id_map[speaker] ?? (/^\d+$/.test(speaker) ? Number(speaker) : -1)
    if (id >= 0 && id < num_speakers) return id
    const names = this.voice.speakers.slice(0, 12).join(', ')
    throw new EngineError('invalid', `Expected a speaker of ${this.voice.name} (${names}), received ${speaker}`)
  }
}

/** By their ids; a number where a speaker has no name. */
function speakerNames(count: number, ids: Readonly<Record<string, number>>): string[] {
  const names = new Map(Object.entries(ids).map(([name, id]) => [id, name]))
  return Array.from({ length: count }, (_, id) => names.get(id) ?? String(id))
}

/** What is known of a voice's files; throws as `readPiperSettings` does. `expectedBytes` by the rule of ONNX networks: weights are held twice. */
export async function openPiperVoice(
  files: { readonly network: string; readonly settings: string; readonly bytes: number; readonly why: string },
  who: { readonly name: string; readonly aliases: readonly string[]; readonly model: string },
  around: { readonly host: SpeechHost; readonly threads: number },
): Promise<PiperVoice> {
  const { host, threads } = around
  const settings = await readPiperSettings(files.settings)
  const artefact = { kind: 'network', path: files.network, threads } as const
  const model = { name: who.model, backend: 'piper', artefact, expectedBytes: 2 * files.bytes + 32e6 }
  return new PiperVoice({ name: who.name, aliases: who.aliases, why: files.why, settings, model, host })
}
