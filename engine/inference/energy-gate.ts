/** Softer than any voice that a microphone picks up: −60 dB of full scale, which leaves the noise of a 16 bit converter far below. */
const quietestPower = 10 ** (-60 / 10)
/** After a loud step the gate stays open for this many, so that a soft end of a word is heard as well: 0.5 s. */
const holdSteps = 16

/** Spares the network what is too quiet to be speech: most of what a microphone at rest hears. */
export class EnergyGate {
  #open = 0

  /** Whether this step may be speech; in order, each step once. */
  opens(samples: Float32Array): boolean {
    const power = samples.reduce((sum, value) => sum + value * value, 0) / samples.length
    this.#open = power >= quietestPower ? holdSteps : Math.max(0, this.#open - 1)
    return this.#open > 0
  }

  /** Forgets what it heard. */
  reset(): void {
    this.#open = 0
  }
}
