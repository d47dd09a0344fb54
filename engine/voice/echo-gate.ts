import { voiceStep } from '../inference/speech.ts'
import type { ReplySound, VoiceOutput } from './voice-output.ts'

/** Sound is heard again at most so many steps of 32 ms after it was handed out: networks, players and rooms take their time. */
const latestSteps = 32
/** Quieter than −50 dB of full scale nothing is learned from. */
const leastLevel = 0.003
/** The echo is learned from stretches of a second of playing. */
const stretchSteps = 32
/** Of so many stretches the middle one counts: a user who talks for a second does not pass for echo. */
const stretches = 5
/** Until it is known: the echo of a small loudspeaker, 20 dB below what was played. */
const assumedGain = 0.1
/** Between −40 and −12 dB: there is always some echo, and a voice that is as loud as the reply must be heard. */
const [leastGain, mostGain] = [0.01, 0.25]
/** Sound may wait for ten minutes to be looked at, and this reaches back further. */
const keptSteps = 20_000
/** 8 dB: a room answers to some tones more than to others. */
const margin = 2.5

/**
 * Tells a voice session's own sound, as its microphone hears it, from somebody's voice: by its level. An echo is never louder than what was just
 * played times what gets from the loudspeaker to the microphone; that is learned, since clients that cancel echo leave next to nothing. What is
 * played goes by the sound that comes in: as much was heard as came meanwhile.
 */
export class EchoGate {
  /** Levels of what was handed out and not heard yet, in steps. */
  #waiting: number[] = []
  /** By step of the sound that came in, from `#first` on: the level of what was played then. */
  #played: number[] = []
  #first = 0
  #turn = 0
  #isHeld = false
  readonly #loudest: number[] = Array.from({ length: stretches }, () => assumedGain)
  #stretch = { steps: 0, loudest: 0 }

  /** The same output, of which this gate knows what it plays. */
  watch(output: VoiceOutput): VoiceOutput {
    return {
      notice: (notice) => output.notice(notice),
      play: async (sound) => {
        await output.play(sound)
        this.#take(sound)
      },
      hold: (turn) => {
        this.#isHeld = true
        output.hold(turn)
      },
      resume: (turn) => {
        this.#isHeld = false
        output.resume(turn)
      },
      flush: (turn) => {
        this.#begin(turn + 0.5)
        return output.flush(turn)
      },
    }
  }

  /** Sound has come in up to this place, in samples of 16 kHz. */
  hear(end: number): void {
    const known = this.#first + this.#played.length
    for (let step = known; step < Math.floor(end / voiceStep); step++)
      this.#played.push(this.#isHeld ? 0 : (this.#waiting.shift() ?? 0))
    this.#forgetBefore(this.#first + this.#played.length - keptSteps)
  }

  /** Whether the step at this place, which is not before the one asked about last, is no louder than the session's own echo. */
  isEcho(place: number, step: Float32Array): boolean {
    const playedLevel = this.#playedBefore(place)
    if (playedLevel < leastLevel) return false
    const ratio = levelOf(step) / playedLevel
    const isEcho = ratio < this.#gain() * margin
    this.#learn(ratio)
    return isEcho
  }

  #take(sound: ReplySound): void {
    if (sound.turn < this.#turn) return
    if (sound.turn > this.#turn) this.#begin(sound.turn)
    const length = Math.round((sound.sampleRate * 32) / 1000)
    for (let at = 0; at < sound.samples.length; at += length)
      this.#waiting.push(levelOf(sound.samples.subarray(at, at + length)) / 32_768)
  }

  #begin(turn: number): void {
    this.#turn = turn
    this.#waiting = []
    this.#isHeld = false
  }

  /** The loudest of what may be heard in the step at this place. */
  #playedBefore(place: number): number {
    const last = Math.ceil(place / voiceStep)
    this.#forgetBefore(last - latestSteps)
    return Math.max(0, ...this.#played.slice(0, last - this.#first + 1))
  }

  #forgetBefore(step: number): void {
    const count = Math.min(step - this.#first, this.#played.length)
    if (count <= 0) return
    this.#played.splice(0, count)
    this.#first += count
  }

  #gain(): number {
    const middle = this.#loudest.toSorted((a, b) => a - b)[Math.floor(stretches / 2)] ?? assumedGain
    return Math.min(mostGain, Math.max(leastGain, middle))
  }

  #learn(ratio: number): void {
    const { steps, loudest } = this.#stretch
    this.#stretch = { steps: steps + 1, loudest: Math.max(loudest, ratio) }
    if (this.#stretch.steps < stretchSteps) return
    this.#loudest.shift()
    this.#loudest.push(this.#stretch.loudest)
    this.#stretch = { steps: 0, loudest: 0 }
  }
}

/** Root of the mean square. */
function levelOf(samples: Float32Array | Int16Array): number {
  let sum = 0
  for (const sample of samples) sum += sample * sample
  return Math.sqrt(sum / Math.max(1, samples.length))
}
