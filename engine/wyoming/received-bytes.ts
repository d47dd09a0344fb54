const newline = 0x0a

/** Bytes as they came over a socket, taken by whole lines and lengths. Each byte is looked at once, however finely they come. */
export class ReceivedBytes {
  #parts: Buffer[] = []
  #length = 0
  /** Parts that are known to hold no end of line. */
  #searched = 0
  #searchedBytes = 0

  get length(): number {
    return this.#length
  }

  add(bytes: Buffer): void {
    if (bytes.length === 0) return
    this.#parts.push(bytes)
    this.#length += bytes.length
  }

  /** Up to the next end of line, which is left out; undefined while none has come. */
  takeLine(): Buffer | undefined {
    for (; this.#searched < this.#parts.length; this.#searched++) {
      const part = this.#parts[this.#searched] as Buffer
      const at = part.indexOf(newline)
      if (at >= 0) return this.take(this.#searchedBytes + at + 1).subarray(0, -1)
      this.#searchedBytes += part.length
    }
    return undefined
  }

  /** Exactly so many, which must be there. */
  take(count: number): Buffer {
    const taken: Buffer[] = []
    let missing = count
    while (missing > 0) {
      const part = this.#parts[0] as Buffer
      taken.push(part.subarray(0, missing))
      if (part.length > missing) this.#parts[0] = part.subarray(missing)
      else this.#parts.shift()
      missing -= Math.min(part.length, missing)
    }
    this.#length -= count
    this.#searched = 0
    this.#searchedBytes = 0
    return taken.length === 1 ? (taken[0] as Buffer) : Buffer.concat(taken)
  }
}
