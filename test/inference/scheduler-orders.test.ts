import { describe, expect, it } from 'vitest'
import { EngineError } from '../../engine/errors.ts'
import type { DeviceLimits } from '../../engine/inference/device-queue.ts'
import { Scheduler } from '../../engine/inference/scheduler.ts'
import type { Priority } from '../../engine/inference/vision.ts'
import { FastTime } from '../support/fast-time.ts'
import { seededPick } from '../support/random.ts'
import { isLate, isSameKind, type JudgedWork, ScheduleJudge } from '../support/schedule-judge.ts'

const schedules = 10_000
/** Every so many schedules one is long, and more comes than can run. */
const longEvery = 100
const priorities: readonly Priority[] = ['realtime', 'interactive', 'batch']
const mostWaiting: Readonly<Record<Priority, number>> = { realtime: 64, interactive: 32, batch: 256 }

type Pick = (below: number) => number
type Outcome = 'done' | 'failed' | 'cancelled' | 'timeout' | 'busy' | 'closed'

interface Trial extends JudgedWork {
  readonly controller: AbortController
  readonly expected: { outcome?: Outcome }
  outcome?: Outcome
  /** Ends it where it runs. */
  end?: () => void
}

/** A promise that others settle. */
class Open {
  resolve: () => void = () => undefined
  reject: (error: Error) => void = () => undefined
  readonly promise = new Promise<void>((resolve, reject) => {
    this.resolve = resolve
    this.reject = reject
  })
}

/** One seeded schedule: devices, models, and works that come, run, fail and are given up. */
class Schedule {
  readonly #time: FastTime
  readonly #pick: Pick
  readonly #judge: ScheduleJudge
  readonly #scheduler: Scheduler
  readonly #trials: Trial[] = []
  readonly #models: number
  readonly #devices: readonly string[]
  readonly #long: boolean
  #faults: unknown[] = []
  #closed = false
  #blocked = false

  constructor(seed: number, time: FastTime) {
    this.#time = time
    this.#pick = seededPick(seed)
    this.#long = seed % longEvery === 0
    this.#models = 1 + this.#pick(this.#long ? 3 : 4)
    const limits = Object.fromEntries(
      Array.from({ length: 1 + this.#pick(this.#long ? 1 : 3) }, (_, i): [string, DeviceLimits] => [
        `device ${i}`,
        { depth: 1 + this.#pick(4), ...(this.#pick(3) === 0 && { perResource: 2 }) },
      ]),
    )
    this.#devices = Object.keys(limits)
    this.#judge = new ScheduleJudge(limits, this.#models)
    this.#scheduler = new Scheduler(limits)
  }

  async run(): Promise<void> {
    const steps = this.#long ? 250 : 6 + this.#pick(14)
    for (let i = 0; i < steps && !this.#closed; i++) {
      await this.#step()
      await this.#settle()
    }
    this.#pace(1)
    while (this.#judge.underWay > 0) {
      await this.#pass(10 + this.#pick(200))
      await this.#settle()
    }
    this.#checkEnd()
  }

  async #step(): Promise<void> {
    const action = this.#pick(100)
    if (action < (this.#long ? 70 : 55)) this.#ask()
    else if (action < 85) await this.#pass(this.#pick(30))
    else if (action < 94) this.#giveUp()
    else if (action < 95) for (let i = this.#pick(40); i > 0; i--) this.#ask()
    else if (action < 98) this.#pace(this.#pick(2) === 0 ? 1 : 0.25)
    else if (action < 99 && this.#pick(4) === 0) this.#close()
  }

  /** Time goes by; now and then the event loop is blocked, and timers and promises are late. */
  async #pass(ms: number): Promise<void> {
    this.#blocked = this.#pick(8) === 0
    if (this.#blocked) this.#time.block(ms)
    else await this.#time.pass(ms)
  }

  #ask(priority = priorities[Math.min(2, this.#pick(5))]!): void {
    const pick = this.#pick
    const trial: Trial = {
      id: this.#trials.length,
      priority,
      device: this.#devices[pick(this.#devices.length)]!,
      resource: `model ${pick(this.#models)}`,
      rank: pick(32),
      askedAt: performance.now(),
      deadlineMs: pick(8) === 0 ? pick(3) : this.#long ? 1000 + pick(4000) : pick(500),
      state: 'waiting',
      startedAt: 0,
      ahead: 0,
      passed: 0,
      passedPerhaps: 0,
      models: 0,
      controller: new AbortController(),
      expected: {},
    }
    const kin = [...this.#judge.waiting(trial.device)].filter((one) => isSameKind(one, trial))
    const most = mostWaiting[trial.priority]
    // Whether those that are over within this very millisecond still count, nobody promises.
    if (kin.length >= most && kin.filter((one) => !isLate(one, performance.now())).length < most) return
    if (kin.length >= most) trial.expected.outcome = 'busy'
    if (this.#closed) trial.expected.outcome = 'closed'
    this.#trials.push(trial)
    if (trial.expected.outcome === undefined) this.#judge.ask(trial)
    const { device, resource, rank, deadlineMs } = trial
    const work = { device, resource, rank, deadlineMs, start: () => this.#start(trial) }
    this.#scheduler.run(trial.priority, work, trial.controller.signal).then(
      () => this.#note(trial, 'done'),
      (error: unknown) => this.#note(trial, error instanceof EngineError ? (error.code as Outcome) : 'failed'),
    )
  }

  #start(trial: Trial) {
    this.#try(() => this.#judge.start(trial))
    const how = this.#pick(10)
    // Some bring further work while they start.
    if (how === 9) this.#ask()
    if (how === 0) {
      trial.expected.outcome = 'failed'
      void Promise.resolve().then(() => this.#judge.end(trial))
      throw new Error('does not start')
    }
    trial.expected.outcome = how === 1 ? 'failed' : 'done'
    const [answer, settled] = [new Open(), new Open()]
    // In the very moment in which the scheduler hears of it.
    void settled.promise.then(() => this.#judge.end(trial))
    const end = () => {
      settled.resolve()
      if (trial.expected.outcome === 'done') answer.resolve()
      else answer.reject(new Error('fails'))
      // As a stream that has its next frame ready.
      if (trial.priority === 'realtime' && this.#pick(3) > 0 && this.#trials.length < 400) this.#ask('realtime')
    }
    if (how === 2) end()
    else setTimeout(end, this.#pick(40))
    trial.end = () => answer.reject(new EngineError('cancelled', 'given up while it ran'))
    return { answer: answer.promise, settled: settled.promise }
  }

  #giveUp(): void {
    const trial = this.#trials[this.#pick(this.#trials.length || 1)]
    if (trial === undefined || trial.state === 'over' || trial.outcome !== undefined) return
    if (trial.state === 'running') {
      trial.expected.outcome = 'cancelled'
      trial.end?.()
      trial.controller.abort()
      return
    }
    trial.expected.outcome ??= 'cancelled'
    this.#judge.end(trial)
    trial.controller.abort()
    // At once, without waiting for anything.
    this.#checkWaiting()
  }

  #pace(share: number): void {
    this.#judge.pace(share)
    this.#scheduler.paceBatch(share)
  }

  #close(): void {
    this.#closed = true
    for (const trial of this.#trials)
      if (trial.state === 'waiting') {
        trial.expected.outcome ??= 'closed'
        this.#judge.end(trial)
      }
    this.#scheduler[Symbol.dispose]()
    this.#checkWaiting()
  }

  /** What a work that was never started ends with, and when. */
  #note(trial: Trial, outcome: Outcome): void {
    if (trial.outcome !== undefined) this.#faults.push(new Error(`work ${trial.id} ends twice`))
    trial.outcome = outcome
    if (outcome !== 'timeout') return
    const lateMs = performance.now() - trial.askedAt - trial.deadlineMs
    // No timer of less than 1 ms exists.
    const inTime = lateMs === 0 || (lateMs > 0 && (this.#blocked || trial.deadlineMs === 0))
    if (inTime) trial.expected.outcome ??= 'timeout'
    this.#judge.end(trial)
  }

  /** Lets happen what is due now. */
  async #settle(): Promise<void> {
    await this.#time.turn()
    await this.#time.turn()
    if (this.#faults.length > 0) throw this.#faults[0]
    this.#judge.checkNoneIdles()
    this.#checkWaiting()
  }

  /** The faults of what the scheduler calls, which would take them for failures of the work. */
  #try(check: () => void): void {
    try {
      check()
    } catch (error) {
      this.#faults.push(error)
    }
  }

  #checkWaiting(): void {
    for (const device of this.#devices) {
      const judged = [...this.#judge.waiting(device)]
      const [most, found] = [judged.length, this.#scheduler.waiting(device)]
      // The timer of those that are late is due within this very millisecond.
      if (found === most || (found < most && found >= judged.filter((one) => !isLate(one, performance.now())).length))
        continue
      throw new Error(`Expected ${most} to wait for ${device}, found ${found}`)
    }
  }

  /** All have ended as they should, and every place is free again. */
  #checkEnd(): void {
    const wrong = this.#trials.find(({ outcome, expected }) => outcome === undefined || outcome !== expected.outcome)
    if (wrong)
      throw new Error(`Expected work ${wrong.id} to end with ${wrong.expected.outcome}, found ${wrong.outcome}`)
    for (const [device, { depth }] of Object.entries(this.#closed ? {} : this.#judge.limits)) {
      let started = 0
      for (let i = 0; i < depth; i++) {
        const start = () => {
          started++
          return { answer: Promise.resolve(), settled: new Promise<void>(() => undefined) }
        }
        const work = { device, resource: `free ${i}`, deadlineMs: 0, start }
        this.#scheduler.run('realtime', work, new AbortController().signal).catch(() => undefined)
      }
      if (started !== depth) throw new Error(`Expected ${depth} free places of ${device}, found ${started}`)
    }
    if (this.#time.pending > 0) throw new Error(`Expected no timer to be left, found ${this.#time.pending}`)
  }

  get trials(): readonly Trial[] {
    return this.#trials
  }
}

describe('Scheduler under random orders', () => {
  it(`keeps its promises in ${schedules} schedules: order, bounds, deadlines, places, and one end for each work`, async () => {
    using time = new FastTime()
    const seen = new Map<string, number>()
    for (let seed = 1; seed <= schedules; seed++) {
      const schedule = new Schedule(seed, time)
      try {
        await schedule.run()
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error })
      }
      for (const { outcome = 'none' } of schedule.trials) seen.set(outcome, (seen.get(outcome) ?? 0) + 1)
    }
    // The schedules do reach every end there is.
    expect([...seen.keys()].toSorted()).toEqual(['busy', 'cancelled', 'closed', 'done', 'failed', 'timeout'])
  }, 120_000)
})
