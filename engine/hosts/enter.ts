import { readdirSync, writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'
import { addon, type NativePool } from '../native/addon.ts'

/** What the engine's `Host` tells the process that it starts, by environment. */
export const hostVariables = {
  parent: 'HAILSTREAM_HOST_PARENT',
  slots: 'HAILSTREAM_HOST_SLOTS',
  slotBytes: 'HAILSTREAM_HOST_SLOT_BYTES',
} as const
/** The pool's descriptor in a host: it follows stdin, stdout, stderr and the channel. */
export const hostPoolFd = 4

/** A host gives way to the engine: with both cores full its event loop was 4.1 ms late (p99), where 5 less niceness made it 5.6. */
const niceness = 10
/** When memory is short the kernel takes a host first: the engine says so at its start, and the host itself. */
export const hostOomScore = 500

/**
 * Turns this process into a host: it dies with the engine, ignores the terminal's signals, gives way to the engine, and maps the
 * image pool. The first thing a host does, in its main thread. `onClose` runs when the engine has closed the channel.
 */
export function enterHost(onClose: () => void = endHost): NativePool {
  process.on('SIGINT', ignore)
  process.on('SIGTERM', ignore)
  process.on('disconnect', onClose)
  addon().dieWithParent(readNumber(hostVariables.parent))
  giveWay()
  writeFileSync('/proc/self/oom_score_adj', String(hostOomScore))
  return addon().openPool(hostPoolFd, readNumber(hostVariables.slots), readNumber(hostVariables.slotBytes))
}

/** On Linux a priority is a thread's: those that Node has started already, in which pictures are coded, would keep theirs. */
function giveWay(): void {
  for (const thread of readdirSync('/proc/self/task')) {
    try {
      setPriority(Number(thread), niceness)
    } catch {
      // It has ended since the list was read.
    }
  }
}

/** A host has nothing to save, and an orderly exit aborts where a worker thread is in the middle of a native call. */
export function endHost(): void {
  process.kill(process.pid, 'SIGKILL')
}

function ignore(): void {
  // The engine ends its hosts itself; a signal to the whole group must not take them away first.
}

function readNumber(variable: string): number {
  const value = Number(process.env[variable])
  if (!Number.isInteger(value) || value <= 0)
    throw new Error(`Expected ${variable} to be set by the engine, received ${process.env[variable]}`)
  return value
}
