import type { Page } from 'playwright-core'

/** What a page has given to its loudspeaker. */
export interface PlayedSound {
  /** Seconds in which a tone of about this frequency was heard; of any sound where it is left out. */
  secondsOf(hertz?: number): Promise<number>
  /** The same, once it grows no more. */
  settled(hertz?: number): Promise<number>
}

interface Recording {
  readonly pieces: Float32Array[]
  rate: number
}
type Listened = Window & { recorded: Recording }

/** Runs in the page before its own scripts: a copy of all that goes to the loudspeaker is kept. */
function record(): void {
  const listened = window as unknown as Listened
  listened.recorded = { pieces: [], rate: 0 }
  const source = `registerProcessor('recorder', class extends AudioWorkletProcessor {
    piece = new Float32Array(Math.round(sampleRate / 50)); at = 0
    process([input]) {
      for (const sample of input[0] ?? []) {
        this.piece[this.at++] = sample
        if (this.at < this.piece.length) continue
        this.port.postMessage(this.piece.slice())
        this.at = 0
      }
      return true
    }
  })`
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }))
  const connect = AudioNode.prototype.connect as (this: AudioNode, ...args: unknown[]) => AudioNode
  AudioNode.prototype.connect = function (this: AudioNode, ...args: unknown[]) {
    if (args[0] instanceof AudioDestinationNode) {
      const context = this.context as AudioContext
      listened.recorded.rate = context.sampleRate
      void context.audioWorklet.addModule(url).then(() => {
        const recorder = new AudioWorkletNode(context, 'recorder', { numberOfOutputs: 0 })
        recorder.port.onmessage = ({ data }) => void listened.recorded.pieces.push(data)
        connect.call(this, recorder)
      })
    }
    return connect.apply(this, args)
  } as typeof AudioNode.prototype.connect
}

/** Runs in the page: the 20 ms pieces that hold the tone, by its correlation with them; without a frequency, any sound. */
function count(hertz: number | null): number {
  const { pieces, rate } = (window as unknown as Listened).recorded
  const isHeard = (piece: Float32Array) => {
    let [sine, cosine, power] = [0, 0, 0]
    for (const [i, sample] of piece.entries()) {
      const angle = (2 * Math.PI * (hertz ?? 0) * i) / rate
      sine += sample * Math.sin(angle)
      cosine += sample * Math.cos(angle)
      power += sample * sample
    }
    const amplitude = hertz === null ? Math.sqrt(power / piece.length) : (2 * Math.hypot(sine, cosine)) / piece.length
    return amplitude > (hertz === null ? 0.003 : 0.05)
  }
  return pieces.filter(isHeard).length
}

/** Keeps what the page plays. Call it before the page is opened. */
export async function listenToPage(page: Page): Promise<PlayedSound> {
  await page.addInitScript(record)
  const secondsOf = async (hertz?: number) => (await page.evaluate(count, hertz ?? null)) / 50
  const settled = async (hertz?: number) => {
    let before = -1
    let now = await secondsOf(hertz)
    while (now !== before) {
      before = now
      await page.waitForTimeout(400)
      now = await secondsOf(hertz)
    }
    return now
  }
  return { secondsOf, settled }
}
