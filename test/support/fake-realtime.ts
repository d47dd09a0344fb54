import type { Server } from 'node:http'
import { type WebSocket, WebSocketServer } from 'ws'
import { tone } from './scripted-speech.ts'

/** An event of the protocol. */
export type RealtimeEvent = Readonly<Record<string, unknown>> & { readonly type: string }

/** What a fake server does with a client; all of it may be changed while it runs. */
export interface FakeRealtimeOptions {
  /** Sent instead of `session.created`, and the socket closed. */
  readonly refuse?: { readonly code: string; readonly message: string }
}

const pieceMs = 100

/** Speaks the GA Realtime protocol with the page by its sequences, and lets a test decide what happens when. */
export class FakeRealtime {
  refuse: FakeRealtimeOptions['refuse']
  /** What clients sent, but for their sound. */
  readonly events: RealtimeEvent[] = []
  /** Their sound, 24,000 samples a second. */
  samples = new Int16Array(0)
  connections = 0
  /** Paths and queries of the connections. */
  readonly addresses: string[] = []
  #socket: WebSocket | undefined
  #counter = 0
  #response = ''

  /** Answers WebSockets on `/api/voice` of this server. */
  listen(server: Server): void {
    const sockets = new WebSocketServer({ noServer: true })
    server.on('upgrade', (request, socket, head) => {
      if (!request.url?.startsWith('/api/voice')) return
      this.addresses.push(request.url)
      sockets.handleUpgrade(request, socket, head, (open) => this.#connected(open))
    })
  }

  send(event: RealtimeEvent): void {
    this.#socket?.send(JSON.stringify({ event_id: `event_${this.#counter++}`, ...event }))
  }

  /** Breaks the connection. */
  hangUp(): void {
    this.#socket?.terminate()
  }

  eventsOf(type: string): RealtimeEvent[] {
    return this.events.filter((event) => event.type === type)
  }

  /** The user is heard to begin. */
  speechStarted(item: string): void {
    this.send({ type: 'input_audio_buffer.speech_started', audio_start_ms: 0, item_id: item })
  }

  /** It was a cough. */
  speechDismissed(item: string): void {
    this.send({ type: 'input_audio_buffer.speech_stopped', audio_end_ms: 0, item_id: item })
  }

  partial(item: string, delta: string): void {
    this.send({
      type: 'conversation.item.input_audio_transcription.delta',
      ...{ item_id: item, content_index: 0, delta },
    })
  }

  /** The turn is over, and its transcript is known. */
  speechEnded(item: string, transcript: string): void {
    this.send({ type: 'input_audio_buffer.speech_stopped', audio_end_ms: 0, item_id: item })
    this.committed(item, transcript)
  }

  committed(item: string, transcript: string): void {
    this.send({ type: 'input_audio_buffer.committed', item_id: item, previous_item_id: null })
    const type = 'conversation.item.input_audio_transcription.completed'
    this.send({ type, item_id: item, content_index: 0, transcript, usage: { type: 'duration', seconds: 1 } })
  }

  /** Begins a reply of this text, with a tone of so many seconds as its voice; `endReply` ends it. */
  reply(
    item: string,
    text: string,
    { seconds, hertz = 500 }: { readonly seconds: number; readonly hertz?: number },
  ): void {
    this.#response = `resp_${item}`
    const place = { response_id: this.#response, item_id: item, output_index: 0, content_index: 0 }
    this.send({
      type: 'response.created',
      response: { id: this.#response, conversation_id: 'conv_1', status: 'in_progress' },
    })
    this.send({ type: 'response.output_audio_transcript.delta', ...place, delta: text })
    const sound = tone(hertz, 24_000, seconds)
    const size = (24_000 * pieceMs) / 1000
    for (let at = 0; at < sound.length; at += size) {
      const piece = sound.slice(at, at + size)
      this.send({ type: 'response.output_audio.delta', ...place, delta: Buffer.from(piece.buffer).toString('base64') })
    }
  }

  endReply(item: string, status: 'completed' | 'cancelled' = 'completed'): void {
    const place = { response_id: `resp_${item}`, item_id: item, output_index: 0, content_index: 0 }
    this.send({ type: 'response.output_audio.done', ...place })
    const hailstream = { end_of_utterance_delay_ms: 320, tokens_per_second: 7.5 }
    const details = status === 'completed' ? null : { type: 'cancelled', reason: 'turn_detected' }
    const response = { id: `resp_${item}`, status, status_details: details, usage: { hailstream } }
    this.send({ type: 'response.done', response })
  }

  #connected(socket: WebSocket): void {
    this.connections++
    this.#socket = socket
    socket.on('message', (data) => this.#take(JSON.parse(String(data))))
    if (this.refuse !== undefined) {
      this.send({ type: 'error', error: { type: 'server_error', ...this.refuse } })
      return void socket.close(1011, this.refuse.code)
    }
    const audio = { input: { format: { type: 'audio/pcm', rate: 24_000 } }, output: { voice: 'en-us' } }
    this.send({ type: 'session.created', session: { type: 'realtime', model: 'stories', audio } })
  }

  #take(event: RealtimeEvent): void {
    if (event.type !== 'input_audio_buffer.append') {
      this.events.push(event)
      return
    }
    const bytes = Buffer.from(String(event.audio), 'base64')
    const more = new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
    const joined = new Int16Array(this.samples.length + more.length)
    joined.set(this.samples)
    joined.set(more, this.samples.length)
    this.samples = joined
  }
}
