import { expect, vi } from 'vitest'
import { unpackBinary } from '../../engine/streams/wire.ts'
import { KeptConversations } from '../../engine/voice/realtime/kept-conversations.ts'
import { RealtimeClient } from '../../engine/voice/realtime/realtime-client.ts'
import type { ReplyPacketHead } from '../../engine/voice/realtime/reply-packet.ts'
import { SessionPool } from '../../engine/voice/session-pool.ts'
import { defaultSettings, type MachineOptions } from '../../engine/voice/settings.ts'
import type { VoiceTools } from '../../engine/voice/voice-tools.ts'
import type { Received } from './realtime-client.ts'
import { expectPacketHead, expectServerEvent } from './realtime-schema.ts'
import { VoiceStages } from './voice-stages.ts'

/** What differs from a stock GA client of a new engine. */
export interface TrialOptions {
  readonly query?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly offered?: readonly string[]
  readonly tools?: VoiceTools
  readonly machine?: Partial<MachineOptions>
  readonly pool?: SessionPool
  readonly stages?: VoiceStages
  readonly conversations?: KeptConversations
}

const frameMs = 20
/** Taken before a test fakes the time. */
const waitReally = setTimeout
/** 20 s in all. */
const [realWaitMs, mostRealWaits] = [5, 4000]

/** A binary message, and how many events had come before it. */
export interface TrialPacket {
  readonly head: ReplyPacketHead
  readonly bytes: Uint8Array
  readonly after: number
}

/** A client of the protocol against stages of fixed delay, with the time in the test's hand; no socket. Every event is checked against the schema. */
export class RealtimeTrial {
  readonly stages: VoiceStages
  readonly pool: SessionPool
  readonly client: RealtimeClient
  readonly heard: Received[] = []
  readonly times: number[] = []
  readonly packets: TrialPacket[] = []
  onPacket: () => void = () => undefined
  readonly bugs: unknown[] = []
  ended: { readonly code: number; readonly reason: string } | undefined
  bufferedBytes = 0
  readonly dialect: 'ga' | 'beta'

  constructor(options: TrialOptions = {}) {
    const { query = '', headers = {}, offered = ['realtime'], tools, machine, pool, stages } = options
    this.stages = stages ?? new VoiceStages()
    const { speech, language } = this.stages
    const given = { ...(tools && { tools }), ...(machine && { machine }) }
    this.pool =
      pool ?? new SessionPool({ speech, language, limit: 4, onTrouble: (error) => this.bugs.push(error), ...given })
    this.dialect = headers['openai-beta'] || offered.includes('openai-beta.realtime-v1') ? 'beta' : 'ga'
    const known = async () => ({ models: ['fake-model'], voices: ['fake-en', 'fake-de'] })
    const onBug = (error: unknown) => this.bugs.push(error)
    const conversations = options.conversations ?? new KeptConversations()
    const parts = { sessions: this.pool, known, conversations, settings: defaultSettings, onBug }
    const trial = this
    const socket = {
      get bufferedBytes() {
        return trial.bufferedBytes
      },
      sendText: (text: string) => this.#hear(JSON.parse(text)),
      sendBinary: (bytes: Uint8Array) => this.#hearPacket(bytes),
      end: (code: number, reason: string) => {
        this.ended = { code, reason }
        this.client.closed()
      },
    }
    this.client = new RealtimeClient(parts, socket, { query: new URLSearchParams(query), headers, offered })
  }

  /** With fake timers, when the session is there. */
  static async open(options: TrialOptions = {}): Promise<RealtimeTrial> {
    const trial = new RealtimeTrial(options)
    await trial.pass(1)
    return trial
  }

  #hear(event: Received): void {
    expectServerEvent(event, this.dialect)
    this.heard.push(event)
    this.times.push(performance.now())
  }

  #hearPacket(message: Uint8Array): void {
    const { head, bytes } = unpackBinary(message)
    expectPacketHead(head)
    this.packets.push({ head, bytes, after: this.heard.length })
    this.onPacket()
  }

  send(event: object): void {
    this.client.text(JSON.stringify(event))
  }

  update(session: object): void {
    this.send({ type: 'session.update', session: { type: 'realtime', ...session } })
  }

  pass(ms: number): Promise<unknown> {
    return vi.advanceTimersByTimeAsync(ms)
  }

  /** Waits in real time, with the test's clock going slowly: WebAssembly is compiled beside it. */
  async until(what: string, check: () => boolean): Promise<void> {
    for (let waits = 0; !check(); waits++) {
      if (waits > mostRealWaits) throw new Error(`Waited in vain for: ${what}`)
      await this.pass(1)
      await new Promise((resolve) => waitReally(resolve, realWaitMs))
    }
  }

  /** Sound comes in real time. */
  async speak(ms: number): Promise<void> {
    await this.#stream(ms, 8000)
  }

  async beSilent(ms: number): Promise<void> {
    await this.#stream(ms, 0)
  }

  async #stream(ms: number, value: number): Promise<void> {
    for (let at = 0; at < ms; at += frameMs) {
      this.append(new Int16Array((24_000 * Math.min(frameMs, ms - at)) / 1000).fill(value))
      await this.pass(Math.min(frameMs, ms - at))
    }
  }

  append(samples: Int16Array): void {
    this.send({ type: 'input_audio_buffer.append', audio: Buffer.from(samples.buffer).toString('base64') })
  }

  all(type: string): Received[] {
    return this.heard.filter((event) => event.type === type)
  }

  last(type: string): Received {
    const event = this.all(type).at(-1)
    if (!event)
      throw new Error(`Expected ${type}, heard ${this.types().join(' ')} ${JSON.stringify(this.all('error'))}`)
    return event
  }

  /** Types in their order from an event on, what repeats told once. */
  types(from = 0): string[] {
    const all = this.heard.slice(from).map(({ type }) => type)
    return all.filter((type, i) => type !== all[i - 1])
  }

  timeOf(event: Received): number {
    return this.times[this.heard.indexOf(event)] ?? Number.NaN
  }

  soundMs(): number {
    const bytes = this.all('response.output_audio.delta').reduce(
      (sum, { delta }) => sum + Buffer.from(String(delta), 'base64').length,
      0,
    )
    return bytes / 48
  }

  /** The session ends, and nothing of it goes on. */
  async close(): Promise<void> {
    this.client.closed()
    await this.pass(500)
    await this.client.ended
    expect(this.stages.working).toEqual({ detections: 0, streams: 0, generations: 0, voices: 0 })
    expect(this.bugs).toEqual([])
  }
}
