import {
  type ErrorAnswer,
  type FrameHead,
  maxUnacknowledgedFrames,
  packBinary,
  type SocketAnswer,
} from '../engine/streams/wire.ts'
import { RateMeter, unixNow } from './measures.ts'
import { ReconnectingSocket } from './socket.ts'

/** How the sending of the camera is. */
export type PublisherState = 'off' | 'asking' | 'connecting' | 'sending' | 'paused'

/** What the page is told of it. */
export interface PublisherEvents {
  changed(state: PublisherState): void
  /** The server takes the pictures for the source of this name. */
  publishing(source: string): void
  /** It has stopped; the sentence says why and what to do. */
  failed(sentence: string): void
}

const maxWidth = 640
const maxRate = 15
const quality = 0.7
/** Names our request to publish in its answer. */
const publishId = 'publish'
/** Acknowledgements that take longer mean a dead connection, ms. */
const acknowledgeWithinMs = 8000
/** After a break the server may hold the name for the connection before; it is asked again for this long, ms. */
const conflictPatienceMs = 20_000
const conflictRetryMs = 1000
const takenSentence = 'Another camera is being sent here already. Try again when it has stopped.'
const noSourceSentence =
  'No pipeline here takes the camera of a browser. Add a stream { source: browser } to one and publish it.'

/** Sends the browser's camera to a browser source: JPEG, at most 640 wide, 15 a second and 2 unacknowledged. */
export class Publisher {
  /** Acknowledged pictures, by `performance.now()`. */
  readonly rate = new RateMeter()
  readonly #url: string
  readonly #events: PublisherEvents
  readonly #video = document.createElement('video')
  readonly #canvas = document.createElement('canvas')
  #state: PublisherState = 'off'
  /** Names to try, the present one first: only the server knows which of them are browser sources. */
  #sources: readonly string[] = []
  #conflict = false
  /** Counts starts and stops: what an earlier start waited for comes to nothing. */
  #attempt = 0
  #seq = 0
  #encoding = false
  #underWay = new Set<number>()
  #progressAt = 0
  #published = false
  #conflictSince: number | undefined
  #socket: ReconnectingSocket | undefined
  #timer: ReturnType<typeof setInterval> | undefined
  #retry: ReturnType<typeof setTimeout> | undefined
  #camera: MediaStream | undefined

  constructor(url: string, events: PublisherEvents) {
    this.#url = url
    this.#events = events
    this.#video.muted = true
    this.#video.playsInline = true
  }

  get state(): PublisherState {
    return this.#state
  }

  /** Asks for the camera and sends it to the first of these sources that takes it, until `stop`. Never rejects: `failed` says what went wrong. */
  async start(sources: readonly string[]): Promise<void> {
    if (this.#state !== 'off') return
    this.#sources = sources
    this.#conflict = false
    const attempt = ++this.#attempt
    this.#become('asking')
    try {
      const camera = await openCamera()
      if (attempt === this.#attempt) await this.#begin(camera)
      else stopTracks(camera)
    } catch (error) {
      if (attempt === this.#attempt) this.#fail(cameraSentence(error))
    }
  }

  stop(): void {
    this.#attempt++
    clearInterval(this.#timer)
    clearTimeout(this.#retry)
    this.#socket?.close()
    this.#socket = undefined
    if (this.#camera !== undefined) stopTracks(this.#camera)
    this.#camera = undefined
    this.#video.srcObject = null
    this.#published = false
    this.#conflictSince = undefined
    this.#become('off')
  }

  async #begin(camera: MediaStream): Promise<void> {
    this.#camera = camera
    for (const track of camera.getTracks())
      track.onended = () => this.#fail('The camera was taken away. Send it again when it is back.')
    this.#video.srcObject = camera
    await this.#video.play()
    if (this.#camera !== camera) return
    this.#become('connecting')
    this.#socket = new ReconnectingSocket(this.#url, {
      opened: () => this.#publish(),
      text: (message) => this.#take(message as SocketAnswer),
      binary: () => undefined,
      state: (state) => {
        if (state === 'waiting') this.#become('connecting')
      },
    })
    this.#socket.open()
    this.#timer = setInterval(() => void this.#sendPicture(), 1000 / maxRate)
  }

  #publish(): void {
    this.#underWay.clear()
    this.#socket?.send({ type: 'publish', source: this.#sources[0] ?? '', id: publishId })
  }

  #take(message: SocketAnswer): void {
    if (message.type === 'publishing') {
      this.#published = true
      this.#events.publishing(message.source)
      this.#conflictSince = undefined
      this.#resume()
    } else if (message.type === 'resume') this.#resume()
    else if (message.type === 'pause') this.#become('paused')
    else if (message.type === 'ack') this.#acknowledge(message.seq)
    else if (message.type === 'error' && message.id === publishId) this.#refused(message)
  }

  #resume(): void {
    this.#progressAt = performance.now()
    this.#become('sending')
  }

  #acknowledge(seq: number): void {
    if (!this.#underWay.delete(seq)) return
    this.#progressAt = performance.now()
    this.rate.count(this.#progressAt)
  }

  /** Before the first success: the next name. After: the name may be held for the broken connection a while longer. */
  #refused({ error, detail }: ErrorAnswer): void {
    if (!this.#published) {
      this.#tryNext(error, detail)
      return
    }
    this.#conflictSince ??= performance.now()
    if (error === 'conflict' && performance.now() - this.#conflictSince < conflictPatienceMs) {
      this.#retry = setTimeout(() => this.#publish(), conflictRetryMs)
    } else this.#fail(error === 'conflict' ? takenSentence : `The server refused the camera: ${detail}`)
  }

  #tryNext(error: string, detail: string): void {
    this.#conflict ||= error === 'conflict'
    this.#sources = this.#sources.slice(1)
    if (error !== 'conflict' && error !== 'not-found') this.#fail(`The server refused the camera: ${detail}`)
    else if (this.#sources.length > 0) this.#publish()
    else this.#fail(this.#conflict ? takenSentence : noSourceSentence)
  }

  async #sendPicture(): Promise<void> {
    if (this.#state !== 'sending' || this.#encoding || this.#socket === undefined) return
    if (this.#underWay.size >= maxUnacknowledgedFrames) {
      if (performance.now() - this.#progressAt > acknowledgeWithinMs) this.#socket.reconnect()
      return
    }
    this.#encoding = true
    const capturedAt = unixNow()
    const bytes = await this.#encode().finally(() => {
      this.#encoding = false
    })
    if (bytes === undefined || (this.#state as PublisherState) !== 'sending') return
    const seq = this.#seq++
    if (this.#underWay.size === 0) this.#progressAt = performance.now()
    const head: FrameHead = { v: 1, source: this.#sources[0] ?? '', seq, capturedAt, type: 'image/jpeg' }
    if (this.#socket.send(packBinary(head, bytes))) this.#underWay.add(seq)
  }

  /** The present picture as JPEG; undefined while the camera has none. */
  async #encode(): Promise<Uint8Array | undefined> {
    const { videoWidth, videoHeight } = this.#video
    if (videoWidth === 0) return undefined
    const scale = Math.min(1, maxWidth / videoWidth)
    this.#canvas.width = Math.round(videoWidth * scale)
    this.#canvas.height = Math.round(videoHeight * scale)
    this.#canvas.getContext('2d')?.drawImage(this.#video, 0, 0, this.#canvas.width, this.#canvas.height)
    const blob = await new Promise<Blob | null>((resolve) => this.#canvas.toBlob(resolve, 'image/jpeg', quality))
    return blob === null ? undefined : new Uint8Array(await blob.arrayBuffer())
  }

  #fail(sentence: string): void {
    this.stop()
    this.#events.failed(sentence)
  }

  #become(state: PublisherState): void {
    if (this.#state === state) return
    this.#state = state
    this.#events.changed(state)
  }
}

async function openCamera(): Promise<MediaStream> {
  if (!window.isSecureContext || navigator.mediaDevices === undefined) {
    throw new DOMException('no secure context', 'SecurityError')
  }
  return navigator.mediaDevices.getUserMedia({
    audio: false,
    video: { width: { ideal: maxWidth }, frameRate: { ideal: maxRate }, facingMode: 'user' },
  })
}

function stopTracks(camera: MediaStream): void {
  for (const track of camera.getTracks()) {
    track.onended = null
    track.stop()
  }
}

function cameraSentence(error: unknown): string {
  const name = error instanceof DOMException ? error.name : ''
  if (name === 'SecurityError') {
    return 'Browsers give their camera only to pages from https or from localhost. Open the page over one of these.'
  }
  if (name === 'NotAllowedError') return 'The camera is not allowed here. Allow it beside the address and try again.'
  if (name === 'NotFoundError' || name === 'OverconstrainedError') return 'This device has no camera.'
  if (name === 'NotReadableError') return 'The camera is in use by another program. Close that one and try again.'
  return `The camera could not be opened: ${error instanceof Error ? error.message : String(error)}`
}
