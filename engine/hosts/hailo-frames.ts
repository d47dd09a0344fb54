import { EngineError } from '../errors.ts'
import { loadSharp, maxDecodeSeconds, maxPixels, readHeader, rejectBroken } from './vision-pictures.ts'

/** Frames that may wait for their generation: 338 KB each for Qwen2-VL. */
const maxFrames = 64

/** Pixels of a vision model's frame. */
export interface FrameSize {
  readonly width: number
  readonly height: number
}

/** Pictures as a vision model takes them: RGB rows without padding, the whole picture in the middle on black. They wait here for the generation that names them. */
export class HailoFrames {
  readonly #frames = new Map<number, Uint8Array>()
  #next = 1

  /** Throws `invalid` or `too-large` for a picture that is no good, `busy` when too many wait. */
  async add(picture: Buffer, size: FrameSize): Promise<number> {
    if (this.#frames.size >= maxFrames)
      throw new EngineError(
        'busy',
        `Expected fewer than ${maxFrames} pictures to wait for their answer; try again later`,
      )
    await readHeader(picture)
    const frame = await fitFrame(picture, size)
    const number = this.#next++
    this.#frames.set(number, frame)
    return number
  }

  /** Takes them out; throws `invalid` for one that is not there. */
  take(numbers: readonly number[]): Uint8Array[] {
    return numbers.map((number) => {
      const frame = this.#frames.get(number)
      if (!frame) throw new EngineError('invalid', `Expected a picture that was decoded before, received ${number}`)
      this.#frames.delete(number)
      return frame
    })
  }

  forget(numbers: readonly number[]): void {
    for (const number of numbers) this.#frames.delete(number)
  }
}

async function fitFrame(picture: Buffer, { width, height }: FrameSize): Promise<Uint8Array> {
  const sharp = await loadSharp()
  return sharp(picture, { failOn: 'error', limitInputPixels: maxPixels })
    .timeout({ seconds: maxDecodeSeconds })
    .autoOrient()
    .flatten({ background: 'white' })
    .resize(width, height, { fit: 'contain', background: 'black' })
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer()
    .catch(rejectBroken)
}
