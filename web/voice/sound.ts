import { Resampler } from '../../engine/audio/resampler.ts'
import type { Played, SpeakerOrder, SpeakerWord } from './sound.worklet.ts'
import workletUrl from './sound.worklet.ts?worker&url'

/** Samples a second of the protocol's sound: mono, signed 16 bit. */
export const voiceRate = 24_000

/** How many milliseconds of an item's sound were heard. */
export interface Heard {
  readonly item: string
  readonly ms: number
}

/** What is told of the microphone and of the speaker. */
export interface SoundEvents {
  /** The next 20 ms of the microphone; `level` is its loudness, 0 to 1. */
  captured(samples: Int16Array, level: number): void
  heard(heard: Heard): void
  /** All that came was played. */
  silent(): void
  /** The microphone was taken away. */
  lost(): void
}

const flushDeadlineMs = 1000
/** Loudness in decibels that the meter shows as nothing. */
const quietestDb = -60

/** The microphone and the loudspeaker of this device, with its echo cancellation between them. Whoever opened it closes it. */
export class Sound {
  readonly #context: AudioContext
  readonly #events: SoundEvents
  readonly #microphone: MediaStream
  readonly #speaker: AudioWorkletNode
  readonly #down: Resampler
  #up: Resampler | undefined
  #upItem: string | undefined
  #flushing: ((cut: readonly Played[]) => void)[] = []

  private constructor(context: AudioContext, microphone: MediaStream, events: SoundEvents) {
    this.#context = context
    this.#events = events
    this.#microphone = microphone
    this.#down = new Resampler(context.sampleRate, voiceRate)
    const capture = new AudioWorkletNode(context, 'microphone', { numberOfOutputs: 0 })
    capture.port.onmessage = ({ data }: MessageEvent<Float32Array>) => this.#captured(data)
    context.createMediaStreamSource(microphone).connect(capture)
    this.#speaker = new AudioWorkletNode(context, 'speaker', { numberOfInputs: 0, outputChannelCount: [1] })
    this.#speaker.port.onmessage = ({ data }: MessageEvent<SpeakerWord>) => this.#told(data)
    this.#speaker.connect(context.destination)
    for (const track of microphone.getTracks()) track.onended = () => events.lost()
  }

  /** Asks for the microphone. Call it while the user presses something: browsers let sound out only then. Rejects with the browser's reason. */
  static async open(events: SoundEvents): Promise<Sound> {
    if (!window.isSecureContext || navigator.mediaDevices === undefined)
      throw new DOMException('no secure context', 'SecurityError')
    const context = new AudioContext({ latencyHint: 'interactive' })
    try {
      const wanted = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 }
      const [microphone] = await Promise.all([
        navigator.mediaDevices.getUserMedia({ audio: wanted, video: false }),
        context.audioWorklet.addModule(workletUrl),
        context.resume(),
      ])
      return new Sound(context, microphone, events)
    } catch (error) {
      await context.close()
      throw error
    }
  }

  /** Adds sound of an item to what waits to be played. */
  play(item: string, samples: Int16Array): void {
    if (this.#up === undefined || this.#upItem !== item) {
      this.#up = new Resampler(voiceRate, this.#context.sampleRate)
      this.#upItem = item
    }
    this.#send(item, this.#up.push(samples))
  }

  /** No more sound of it comes. */
  end(item: string): void {
    if (this.#up !== undefined && this.#upItem === item) this.#send(item, this.#up.end())
    this.#up = this.#upItem = undefined
  }

  pause(): void {
    this.#order({ type: 'pause' })
  }

  resume(): void {
    this.#order({ type: 'resume' })
  }

  /** Silence at once. Gives what was heard of each item that was not over. */
  async flush(): Promise<readonly Heard[]> {
    this.#up = this.#upItem = undefined
    const cut = await new Promise<readonly Played[]>((resolve) => {
      this.#flushing.push(resolve)
      // A context that the browser has halted answers nothing, and plays nothing.
      setTimeout(() => resolve([]), flushDeadlineMs)
      this.#order({ type: 'flush' })
    })
    return cut.map((played) => this.#heard(played))
  }

  async close(): Promise<void> {
    for (const track of this.#microphone.getTracks()) {
      track.onended = null
      track.stop()
    }
    await this.#context.close()
  }

  #send(item: string, samples: Int16Array): void {
    if (samples.length === 0) return
    const floats = Float32Array.from(samples, (sample) => sample / 32_768)
    this.#speaker.port.postMessage({ type: 'play', item, samples: floats } satisfies SpeakerOrder, [floats.buffer])
  }

  #order(order: SpeakerOrder): void {
    this.#speaker.port.postMessage(order)
  }

  #told(word: SpeakerWord): void {
    if (word.type === 'played') this.#events.heard(this.#heard(word.played))
    else if (word.type === 'empty') this.#events.silent()
    else for (const resolve of this.#flushing.splice(0)) resolve(word.cut)
  }

  /** What left the audio thread is heard after the device's own delay. */
  #heard({ item, samples }: Played): Heard {
    const { sampleRate, outputLatency = 0 } = this.#context
    return { item, ms: Math.max(0, (samples * 1000) / sampleRate - outputLatency * 1000) }
  }

  #captured(floats: Float32Array): void {
    const samples = Int16Array.from(floats, (sample) =>
      Math.max(-32_768, Math.min(32_767, Math.round(sample * 32_768))),
    )
    const power = floats.reduce((sum, sample) => sum + sample * sample, 0) / floats.length
    const decibels = 10 * Math.log10(power + 1e-12)
    this.#events.captured(this.#down.push(samples), Math.max(0, Math.min(1, 1 - decibels / quietestDb)))
  }
}
