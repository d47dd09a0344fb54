/** Tells all who wait for it that something has changed. Each wait is for the next time. */
export class ChangeSignal {
  #waiting: (() => void)[] = []

  wake(): void {
    for (const wake of this.#waiting.splice(0)) wake()
  }

  next(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
}
