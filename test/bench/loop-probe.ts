import { readFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { quantile } from './figures.ts'

/** What a watched process tells when it is sent `{ probe: true }`: 99th percentiles since the last time, in ms. */
export interface LoopDelay {
  /** Of a look due every 5 ms. A look that was missed counts with its own lateness, so that one long stop is not one sample. */
  readonly timer: number
  /** The same, less the time for which the thread could run and had no core: what its own work did. */
  readonly own: number
  /** Of Node's own monitor, less its resolution. */
  readonly monitor: number
}

// Loaded into a process with --import. Timers have whole milliseconds: up to 1 ms of the figures is theirs.
const everyMs = 5
const resolution = 10
const monitor = monitorEventLoopDelay({ resolution })
monitor.enable()
let late: number[] = []
let own: number[] = []
let due = performance.now() + everyMs
let waited = waitedMs()

function look(): void {
  const now = performance.now()
  const waitedNow = waitedMs()
  for (; due <= now; due += everyMs) {
    late.push(now - due)
    own.push(Math.max(0, now - due - (waitedNow - waited)))
  }
  waited = waitedNow
  setTimeout(look, Math.max(1, Math.round(due - now))).unref()
}

/** For how long this thread was runnable and did not run, since its start. */
function waitedMs(): number {
  return Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[1]) / 1e6
}

function read(): LoopDelay {
  const delay = {
    timer: quantile(late, 0.99),
    own: quantile(own, 0.99),
    monitor: Math.max(0, monitor.percentile(99) / 1e6 - resolution),
  }
  late = []
  own = []
  monitor.reset()
  return delay
}

look()
process.on('message', (message: { probe?: boolean }) => {
  if (message.probe) process.send?.(read())
})
