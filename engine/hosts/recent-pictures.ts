import { createHash } from 'node:crypto'

/** Pictures remembered: several groups of an encoder with a key frame each second, one of those with one every 5 s. */
const maxRemembered = 128
/** Bytes of a picture that are compared, spread all over it: the noise of a live one is in each of its parts. */
const sampleBytes = 16_384

/**
 * Remembers the pictures of a decoder. One that stands still is not the same from frame to frame: each key frame gives it
 * anew, and the frames after refine it. But the encoder does that in the same way each time, so that all of them come again.
 */
export class RecentPictures {
  readonly #digests = new Set<string>()
  readonly #sample = Buffer.alloc(sampleBytes)

  /** Whether the picture came before, of late. */
  saw(pixels: Buffer): boolean {
    const digest = this.#digestOf(pixels)
    const known = this.#digests.delete(digest)
    this.#digests.add(digest)
    for (const oldest of this.#digests) {
      if (this.#digests.size <= maxRemembered) break
      this.#digests.delete(oldest)
    }
    return known
  }

  /** The step is odd, so that the samples of one row are not below those of the row before. */
  #digestOf(pixels: Buffer): string {
    const step = Math.max(1, Math.floor(pixels.length / sampleBytes)) | 1
    let count = 0
    for (let at = 0; at < pixels.length && count < sampleBytes; at += step) this.#sample[count++] = pixels[at] as number
    return createHash('md5').update(this.#sample.subarray(0, count)).digest('base64')
  }
}
