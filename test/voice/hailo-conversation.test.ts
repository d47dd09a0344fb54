import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Language } from '../../engine/inference/language.ts'
import { SessionPool } from '../../engine/voice/session-pool.ts'
import type { VoiceNotice, VoiceOutput } from '../../engine/voice/voice-output.ts'
import type { VoiceSession } from '../../engine/voice/voice-session.ts'
import {
  client,
  createHailoLanguage,
  type HailoLanguageSetup,
  never,
  readAnswer,
  say,
} from '../support/hailo-language.ts'
import { standinIsBuilt } from '../support/standin.ts'
import { VoiceStages } from '../support/voice-stages.ts'
import { until } from '../support/wait.ts'

const qwen = 'qwen2.5-1.5b-instruct'
const rate = 16_000

/** A speaker that plays at once, and keeps what it is told. */
class Listener implements VoiceOutput {
  readonly notices: VoiceNotice[] = []
  readonly #held = new Map<number, number>()
  session: VoiceSession | undefined

  notice(notice: VoiceNotice): void {
    this.notices.push(notice)
  }

  async play({ turn, samples, sampleRate }: Parameters<VoiceOutput['play']>[0]): Promise<void> {
    const ms = (this.#held.get(turn) ?? 0) + (samples.length * 1000) / sampleRate
    this.#held.set(turn, ms)
    setImmediate(() => this.session?.tell({ type: 'played', turn, ms }))
  }

  hold(): void {
    expect.fail('Expected an interruption')
  }

  resume(): void {
    expect.fail('Expected an interruption')
  }

  async flush(turn: number): Promise<number> {
    return this.#held.get(turn) ?? 0
  }

  all<T extends VoiceNotice['type']>(type: T): Extract<VoiceNotice, { type: T }>[] {
    return this.notices.filter((one): one is Extract<VoiceNotice, { type: T }> => one.type === type)
  }

  /** How the `count`th response ended. */
  async ended(count: number) {
    return (await until(`${count} responses`, () => this.all('response-ended')[count - 1], 60_000)).end
  }
}

describe.skipIf(!standinIsBuilt())('a conversation whose language model runs on a Hailo', () => {
  let setup: HailoLanguageSetup
  let pool: SessionPool
  let stages: VoiceStages
  let listener: Listener
  /** Tokens that came here. */
  let seen: number
  let troubles: unknown[]
  beforeEach(async () => {
    // As fast as the vendor says: 7 tokens a second.
    setup = await createHailoLanguage({ tokenSpeed: 1 })
    stages = new VoiceStages()
    listener = new Listener()
    seen = 0
    troubles = []
    const { speech } = stages
    const machine = { holdMs: 0 }
    pool = new SessionPool({
      speech,
      language: counting(setup.engine),
      limit: 1,
      machine,
      onTrouble: (error) => troubles.push(error),
    })
  })
  afterEach(async () => {
    await pool[Symbol.asyncDispose]()
    await setup[Symbol.asyncDispose]()
  })

  function counting(language: Language): Language {
    return {
      status: () => language.status(),
      find: (name) => language.find(name),
      load: (...all) => language.load(...all),
      unload: (name) => language.unload(name),
      keepAlive: (...all) => language.keepAlive(...all),
      embed: (...all) => language.embed(...all),
      async *generate(...all) {
        for await (const event of language.generate(...all)) {
          if (event.type === 'text') seen += event.tokens
          yield event
        }
      },
    }
  }

  async function open(): Promise<VoiceSession> {
    const session = await pool.open(listener, { user: 'test', settings: { model: qwen } })
    listener.session = session
    return session
  }

  const texts = () => listener.all('reply-text').map(({ text }) => text)

  it('B2: aborts it within a token when somebody interrupts, and the next turn begins', {
    timeout: 60_000,
  }, async () => {
    const session = await open()
    const tokens = () => setup.standin.control('state').tokens as number
    const alone = tokens()
    await readAnswer(setup.engine.generate(qwen, say('count to 2'), client, never))
    const before = tokens()
    session.tell({ type: 'say', text: 'count to 1400' })
    await until('some words', () => texts().length > 3, 30_000)
    stages.transcripts.push('count to 2')
    // Of a reply of which nothing was heard the next prompt would hold its question.
    session.tell({ type: 'delete-item', item: listener.all('item-added')[0]?.item.id ?? '' })
    session.push(new Int16Array(rate / 2).fill(8000), rate)
    session.push(new Int16Array(rate), rate)
    expect(await listener.ended(1)).toMatchObject({ status: 'cancelled', reason: 'turn_detected' })
    const seenBefore = seen
    expect(await listener.ended(2)).toEqual({ status: 'completed' })
    expect(texts().join('')).toMatch(/^\[stand-in\] 1 2.*\[stand-in\] 1 2$/)
    const [made, next] = [tokens() - before, before - alone]
    // One is in flight, one may be on its way here, and on a busy machine the abort takes its time; to its end it would be 1400.
    expect(made - next - seenBefore).toBeLessThanOrEqual(3)
    await session[Symbol.asyncDispose]()
    expect(troubles).toEqual([])
  })
})
