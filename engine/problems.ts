import type { Clock } from './core/clock.ts'
import type { EngineError } from './errors.ts'
import type { OnHostStart } from './hosts/host.ts'
import type { Logger } from './log.ts'
import type { ProblemHealth, ProblemName } from './routes/health.ts'

/**
 * What has happened once is told for so long, unless it is known to be over before. Longer than any wait before something is
 * tried again.
 */
const toldForMs = 60_000

/** What is told of one finding. */
export interface Finding {
  /** Who found it: each clears its own. */
  readonly source: string
  /** A sentence: what was found, and what to do. */
  readonly detail: string
  /** Over by itself after this; without it, only by `clear`. */
  readonly forMs?: number
}

interface Problem {
  /** Of the engine's clock, so that it stays right when the wall clock is set. */
  readonly since: bigint
  readonly findings: Map<string, Finding & { readonly until: bigint | undefined }>
}

/** What the engine lacks of its surroundings, for health, metrics and the log, which tells each problem once when it comes and once when it goes. */
export class Problems {
  readonly #clock: Clock
  readonly #log: Logger
  readonly #problems = new Map<ProblemName, Problem>()

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock
    this.#log = log
  }

  /** Something is wrong. The newest finding of a source replaces its last. */
  report(name: ProblemName, finding: Finding): void {
    const now = this.#clock.now()
    const known = this.#problems.get(name)
    const problem = known ?? { since: now, findings: new Map() }
    const until = finding.forMs === undefined ? undefined : now + BigInt(finding.forMs) * 1_000_000n
    problem.findings.set(finding.source, { ...finding, until })
    this.#problems.set(name, problem)
    if (!known) this.#log.warn({ problem: name, detail: finding.detail }, 'a problem has come')
  }

  /** That source finds nothing wrong any more. */
  clear(name: ProblemName, source: string): void {
    const problem = this.#problems.get(name)
    if (!problem?.findings.delete(source) || problem.findings.size > 0) return
    this.#problems.delete(name)
    const lastedMs = Math.round(Number(this.#clock.now() - problem.since) / 1e6)
    this.#log.info({ problem: name, lastedMs }, 'the problem is over')
  }

  /** Those that last now, oldest first. Findings whose time is over are forgotten by asking. */
  list(): ProblemHealth[] {
    this.#forgetOld()
    return [...this.#problems].map(([name, { since, findings }]) => ({
      name,
      detail: [...new Set([...findings.values()].map(({ detail }) => detail))].join('; '),
      since: this.#clock.toUnixMs(since),
    }))
  }

  #forgetOld(): void {
    const now = this.#clock.now()
    for (const [name, { findings }] of [...this.#problems])
      for (const [source, { until }] of [...findings]) if (until !== undefined && until <= now) this.clear(name, source)
  }
}

/** For `onStart` of hosts: those that the system gives no memory, process or descriptors. A failure of another kind shows at its stream. */
export function reportHostStart(problems: Problems): OnHostStart {
  return (host, failure) => {
    const lacking = failure && lackOf(failure.message)
    for (const { name } of lacks) if (name !== lacking?.name) problems.clear(name, host)
    if (failure === undefined || lacking === undefined) return
    const detail = `${failure.message}. ${lacking.whatToDo}`
    problems.report(lacking.name, { source: host, detail, forMs: toldForMs })
  }
}

/** For `onWritten` of the model store: what the disk refused, until it takes a file. */
export function reportWriting(problems: Problems): (refusal: EngineError | undefined) => void {
  return (refusal) => {
    if (refusal === undefined) problems.clear('disk', 'model store')
    else problems.report('disk', { source: 'model store', detail: refusal.message, forMs: toldForMs })
  }
}

/** The wall clock was set; what looks at times of before should know. */
export function reportClockStep(problems: Problems, byMs: number): void {
  const seconds = `${byMs < 0 ? 'back' : 'forward'} by ${Math.abs(byMs / 1000).toFixed(1)} s`
  const detail = `The wall clock was set ${seconds}: times told before are that much off. If it goes on, look at this machine's time service`
  problems.report('clock', { source: 'clock', detail, forMs: toldForMs })
}

interface Lack {
  readonly name: ProblemName
  /** How the system, V8, glibc and GLib say it. */
  readonly told: RegExp
  readonly whatToDo: string
}

const lacks: readonly Lack[] = [
  {
    name: 'memory',
    told: /ENOMEM|out of memory|\bOOM\b|cannot allocate|failed to allocate|bad_alloc/i,
    whatToDo: 'Run fewer streams or models',
  },
  {
    name: 'descriptors',
    told: /EMFILE|ENFILE|too many open files/i,
    whatToDo: 'Watch fewer streams, or raise LimitNOFILE',
  },
  {
    name: 'processes',
    told: /EAGAIN|resource temporarily unavailable/i,
    whatToDo: 'End some processes, or raise TasksMax or LimitNPROC',
  },
]

function lackOf(message: string): Lack | undefined {
  return lacks.find(({ told }) => told.test(message))
}
