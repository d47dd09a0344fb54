import { EngineError } from '../errors.ts'
import { buildGstPipeline, errorText, type GstAppSink, type GstMessage, type GstPipeline } from './gstreamer.ts'

/** How long the bus may keep its reason after the pipeline stopped giving frames, in milliseconds. */
const reasonMs = 300
/** Messages of a pipeline that could not start are asked for one by one; the error is among the first. */
const maxAsked = 200

/** Who takes what a pipeline gives. */
export interface CaptureListener {
  /** A buffer was pulled; `headers` are the GDP packets that describe it. */
  take(bytes: Buffer, headers: readonly Buffer[]): void
  /** Whether the next buffer may be pulled; if not, the owner calls `pull` later. */
  ready(): boolean
  ended(reason: 'end' | 'error', message: string): void
}

/** One GStreamer pipeline that ends in `appsink name=sink`: pulls its buffers, starts it anew at its end, tells its errors. */
export class CapturePipeline {
  readonly #pipeline: GstPipeline
  readonly #sink: GstAppSink
  readonly #loop: boolean
  readonly #listener: CaptureListener
  #pulling = false
  #drained = false
  #atEnd = false
  #over = false
  #buffers = 0
  #asked = 0

  constructor(launch: string, options: { readonly loop: boolean }, listener: CaptureListener) {
    this.#pipeline = buildGstPipeline(launch)
    const sink = this.#pipeline.findChild('sink')
    if (!sink) throw new EngineError('invalid', 'Expected "appsink name=sink" in the pipeline, found none')
    this.#sink = sink
    this.#loop = options.loop
    this.#listener = listener
  }

  play(): void {
    this.#pipeline.play()
    this.#pipeline.pollBus((message) => this.#hear(message))
    this.pull()
  }

  stop(): void {
    this.#over = true
    this.#pipeline.stop()
  }

  /** Pulls for as long as the listener is ready. */
  pull(): void {
    if (this.#pulling || this.#drained || this.#over || !this.#listener.ready()) return
    this.#pulling = true
    this.#sink.pull((bytes, caps) => {
      this.#pulling = false
      if (this.#over) return
      if (bytes) this.#take(bytes, caps?.streamheader ?? [])
      else this.#drain()
    })
  }

  #take(bytes: Buffer, headers: readonly Buffer[]): void {
    this.#buffers++
    try {
      this.#listener.take(bytes, headers)
    } catch (error) {
      this.#end('error', error instanceof Error ? error.message : String(error))
    }
    this.pull()
  }

  /** No more buffers: the bus knows why, before or after. */
  #drain(): void {
    this.#drained = true
    this.#turn()
    setTimeout(() => this.#drained && this.#askBus(), reasonMs).unref()
  }

  /** A pipeline that could not leave NULL gives one message per call. */
  #askBus(): void {
    if (this.#over || this.#asked++ >= maxAsked) return
    this.#pipeline.pollBus((message) => {
      this.#hear(message)
      this.#askBus()
    })
  }

  #hear(message: GstMessage): void {
    if (message.type === 'error') this.#end('error', errorText(message))
    else if (message.type === 'warning') process.stderr.write(`warning: ${errorText(message)}\n`)
    else if (message.type === 'eos') {
      this.#atEnd = true
      this.#turn()
    }
  }

  #turn(): void {
    if (!this.#atEnd || !this.#drained || this.#over) return
    if (this.#buffers === 0) this.#end('error', 'Expected frames, but the source ended without any')
    else if (this.#loop) this.#playAgain()
    else this.#end('end', 'The source ended')
  }

  /** Stop and play take 3 ms. A seek is not possible: `gdppay` refuses it. */
  #playAgain(): void {
    this.#buffers = 0
    this.#atEnd = this.#drained = false
    this.#pipeline.stop()
    this.#pipeline.play()
    this.pull()
  }

  #end(reason: 'end' | 'error', message: string): void {
    if (this.#over) return
    this.#over = true
    this.#listener.ended(reason, message)
  }
}
