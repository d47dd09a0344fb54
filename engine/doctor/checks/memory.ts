import type { Config } from '../../config.ts'
import { describeMemory, softLimit } from '../../resource-watch.ts'
import { error, type Finding, ok, warning } from '../finding.ts'
import type { System } from '../system.ts'

/** Of the machine's memory; the rest is for the engine, its cameras and the system. */
const maxBudgetShare = 0.75
/** With less, a moment's need ends a process where there is no swap. */
const enoughWithoutSwap = 6e9
/** A host has 500, so that the kernel ends it before the engine. */
const hostOomScore = 500
/** A camera's start takes 7 for a moment, a client one. */
const minDescriptors = 1024

/** Memory that is free, the budget of models, swap, and processes that the kernel has ended. */
export async function checkMemory(system: System, { models }: Config): Promise<Finding[]> {
  const text = (await system.read('/proc/meminfo')) ?? ''
  const counters = (await system.read('/proc/vmstat')) ?? ''
  const [total, available, swap] = ['MemTotal', 'MemAvailable', 'SwapTotal'].map((name) => bytesOf(text, name))
  if (total === undefined || available === undefined) return [ok('memory', 'the kernel does not tell it here')]
  const lack = describeMemory(text)
  const found = `${inGb(available)} of ${inGb(total)} free`
  return [
    lack === undefined
      ? ok('memory', found)
      : error('memory', { detail: lack, fix: 'See who takes it and end that: ps -eo rss,pid,comm --sort=-rss | head' }),
    checkBudget(models.budget.host, total),
    ...checkSwap(swap ?? 0, total),
    ...checkKilled(counters),
  ]
}

function checkBudget(budget: number, total: number): Finding {
  const told = `models may take ${inGb(budget)} of ${inGb(total)}`
  if (budget <= total * maxBudgetShare) return ok('memory-budget', told)
  const fitting = Math.max(1, Math.floor((total * maxBudgetShare) / 1e8)) * 100
  const fix = `Set in hailstream.yaml: models: { budget: { host: ${fitting}MB } }`
  return warning('memory-budget', { detail: `${told}: the system needs its part too`, fix })
}

function checkSwap(swap: number, total: number): Finding[] {
  if (swap > 0 || total >= enoughWithoutSwap) return [ok('swap', swap > 0 ? inGb(swap) : 'none, and not needed')]
  const detail = `No swap beside ${inGb(total)} of memory: loading a large model may end other programs`
  return [warning('swap', { detail, fix: 'sudo apt install zram-tools && sudo systemctl restart zramswap' })]
}

function checkKilled(counters: string): Finding[] {
  const killed = Number(/^oom_kill (\d+)$/m.exec(counters)?.[1] ?? 0)
  if (killed === 0) return []
  const detail = `Since its start this machine ended ${killed} processes because memory ran out`
  return [
    warning('oom', { detail, fix: 'See which, then lower models.budget.host: sudo journalctl -k -g "Out of memory"' }),
  ]
}

/** What the engine would inherit from here: its place among those the kernel ends first, and how many files it may open. */
export async function checkLimits(system: System): Promise<Finding[]> {
  const score = Number((await system.read('/proc/self/oom_score_adj')) ?? 0)
  const limit = softLimit((await system.read('/proc/self/limits')) ?? '')
  const detail = `Expected an oom_score_adj under ${hostOomScore}, that of a host, found ${score}: the engine would be ended before its hosts`
  const fix = 'echo 0 | sudo tee /proc/$$/oom_score_adj  # then start the engine from this shell'
  return [
    score < hostOomScore ? ok('oom-score', `${score}`) : warning('oom-score', { detail, fix }),
    limit < minDescriptors
      ? warning('descriptors', {
          detail: `Expected a limit of ${minDescriptors} open files or more, found ${limit}`,
          fix: 'sudo prlimit --nofile=65536 --pid $$  # then start the engine from this shell; in a unit: LimitNOFILE=65536',
        })
      : ok('descriptors', limit === Number.POSITIVE_INFINITY ? 'no limit' : `up to ${limit}`),
  ]
}

function bytesOf(text: string, name: string): number | undefined {
  const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]
  return found === undefined ? undefined : Number(found) * 1024
}

function inGb(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`
}
