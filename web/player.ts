import type { ResultMessage, ResultObject } from '../engine/streams/wire.ts'
import type { ImageHead } from './connection.ts'
import { drawOverlay } from './overlay.ts'
import { type Drawing, Pairing, type Picture } from './pairing.ts'

/** What is on the canvas. */
export interface Drawn {
  readonly seq: number
  readonly capturedAt: number
  readonly match: Drawing['match']
  readonly objects: readonly ResultObject[]
}

type Bitmap = Picture & { readonly bitmap: ImageBitmap }

/** No sharper than this, in canvas pixels: more would only cost time. */
const maxCanvasWidth = 1920

/** Decodes pictures, waits for their results and draws both on the canvas, at the display's pace. */
export class Player {
  lastDrawn: Drawn | undefined
  readonly #canvas: HTMLCanvasElement
  readonly #context: CanvasRenderingContext2D
  readonly #drawn: (drawn: Drawn) => void
  readonly #pairing = new Pairing<Bitmap>()
  #drawing: Drawing<Bitmap> | undefined
  #generation = 0
  #resized = false
  #displayWidth = 0

  /** `drawn` is called for each new picture on the canvas. */
  constructor(canvas: HTMLCanvasElement, drawn: (drawn: Drawn) => void) {
    this.#canvas = canvas
    this.#context = canvas.getContext('2d', { alpha: false })!
    this.#drawn = drawn
    new ResizeObserver(([entry]) => {
      this.#displayWidth = entry?.contentRect.width ?? 0
      this.#resized = true
    }).observe(canvas)
    requestAnimationFrame(() => this.#tick())
  }

  /** Topics whose results belong on the picture. */
  choose(topics: readonly string[]): void {
    this.#pairing.choose(topics)
  }

  /** Forgets what waits; the picture on show stays until the next one comes. */
  reset(): void {
    this.#generation += 1
    this.#pairing.reset()
  }

  /** Settles when the picture is decoded, and buffered or thrown away. */
  async addPicture(head: ImageHead, bytes: Uint8Array): Promise<void> {
    const generation = this.#generation
    const receivedAt = performance.now()
    const bitmap = await createImageBitmap(new Blob([bytes as Uint8Array<ArrayBuffer>], { type: 'image/jpeg' }))
    if (generation !== this.#generation) bitmap.close()
    else this.#pairing.addPicture({ seq: head.seq, capturedAt: head.capturedAt, receivedAt, bitmap })
  }

  addResult(topic: string, result: ResultMessage): void {
    this.#pairing.addResult(topic, result, performance.now())
  }

  #tick(): void {
    requestAnimationFrame(() => this.#tick())
    const next = this.#pairing.next(performance.now())
    if (next !== undefined) this.#drawing = next
    if (this.#drawing === undefined || (next === undefined && !this.#resized)) return
    this.#resized = false
    const objects = this.#draw(this.#drawing)
    const { seq, capturedAt } = this.#drawing.picture
    this.lastDrawn = { seq, capturedAt, match: this.#drawing.match, objects }
    if (next !== undefined) this.#drawn(this.lastDrawn)
  }

  #draw({ picture, results }: Drawing<Bitmap>): readonly ResultObject[] {
    this.#fit(picture.bitmap)
    const { width, height } = this.#canvas
    this.#context.imageSmoothingQuality = 'high'
    this.#context.drawImage(picture.bitmap, 0, 0, width, height)
    return drawOverlay(this.#context, results, width / (this.#displayWidth || width))
  }

  /** As many pixels as the display shows, so that lines and letters are sharp; the shape is the picture's. */
  #fit({ width, height }: ImageBitmap): void {
    const wanted = Math.round(this.#displayWidth * window.devicePixelRatio) || width
    const canvasWidth = Math.min(wanted, maxCanvasWidth)
    const canvasHeight = Math.round((canvasWidth * height) / width)
    if (this.#canvas.width !== canvasWidth) this.#canvas.width = canvasWidth
    if (this.#canvas.height !== canvasHeight) this.#canvas.height = canvasHeight
    const ratio = `${width} / ${height}`
    const stage = this.#canvas.parentElement
    if (stage !== null && stage.style.getPropertyValue('--ratio') !== ratio) stage.style.setProperty('--ratio', ratio)
  }
}
