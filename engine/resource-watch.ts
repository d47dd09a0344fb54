import type { StatsFs } from 'node:fs'
import { readdir, readFile, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { messageOf } from './errors.ts'
import { checkLogOutput } from './log.ts'
import type { Problems } from './problems.ts'
import type { ProblemName } from './routes/health.ts'

/** Well under the bounds within which a problem has to be told; one look costs a fraction of a millisecond. */
const checkEveryMs = 1000
/** The smallest of the models that are fetched or converted needs a good part of it. */
const minDiskBytes = 64 * 2 ** 20
const minFiles = 16
/** What the larger hosts take: a model's in ONNX Runtime 116 MB, a camera's 58 MB. */
const minMemoryBytes = 128 * 2 ** 20
/** Hosts and sources need some: two dozen of them at once, 7 descriptors each for the moment of a start. */
const minDescriptors = 32
const minDescriptorShare = 0.05
const maxDescriptorReserve = 1024
/** How long it is told that the kernel ended a process: a host that does not fit is tried again every 2 s. */
const killedForMs = 60_000

/** What is watched, and who is told. */
export interface ResourceWatchOptions {
  readonly problems: Problems
  /** Everything that the engine writes lies below it; it may not be there yet. */
  readonly stateFolder: string
  /** Told by every look: whether there are few descriptors left. */
  readonly onDescriptors: (are: 'short' | 'enough') => void
}

/** Looks every second at what the engine can run out of: disk, memory, descriptors. Disposing ends it. */
export class ResourceWatch implements Disposable {
  readonly #options: ResourceWatchOptions
  readonly #timer: NodeJS.Timeout
  #looking = false
  #killed: number | undefined

  constructor(options: ResourceWatchOptions) {
    this.#options = options
    this.#timer = setInterval(() => void this.look(), checkEveryMs).unref()
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  /** One look; left out while the last one hangs, as on a dead network file system. */
  async look(): Promise<void> {
    if (this.#looking) return
    this.#looking = true
    try {
      await Promise.all([this.#lookAtDescriptors(), this.#lookAtMemory(), this.#lookAtDisk()])
      this.#tell('log', checkLogOutput())
      // Asking forgets what is over, so that the log tells it in time.
      this.#options.problems.list()
    } finally {
      this.#looking = false
    }
  }

  async #lookAtDescriptors(): Promise<void> {
    const detail = await describeDescriptors()
    this.#tell('descriptors', detail)
    this.#options.onDescriptors(detail === undefined ? 'enough' : 'short')
  }

  async #lookAtMemory(): Promise<void> {
    try {
      const [memory, counters] = [await readFile('/proc/meminfo', 'utf8'), await readFile('/proc/vmstat', 'utf8')]
      this.#tell('memory', describeMemory(memory))
      this.#countKilled(Number(/^oom_kill (\d+)$/m.exec(counters)?.[1] ?? 0))
    } catch {
      // Nothing is known without a descriptor for it, or where /proc shows processes only: what was found last stays.
    }
  }

  async #lookAtDisk(): Promise<void> {
    this.#tell('disk', await describeDisk(this.#options.stateFolder))
  }

  /** The kernel says only here that it ended a host, and not the camera's plug-in that it died. */
  #countKilled(killed: number): void {
    const newly = killed - (this.#killed ?? killed)
    this.#killed = killed
    if (newly <= 0) return
    const detail = `The kernel ended ${newly} of this machine's processes because memory ran out; run fewer streams or models`
    this.#options.problems.report('memory', { source: 'kernel', detail, forMs: killedForMs })
  }

  #tell(name: ProblemName, detail: string | undefined): void {
    if (detail === undefined) this.#options.problems.clear(name, 'watch')
    else this.#options.problems.report(name, { source: 'watch', detail })
  }
}

/** Room on a file system, as `statfs` gives it: blocks of `bsize` bytes. */
export type DiskSpace = Pick<StatsFs, 'bavail' | 'bsize' | 'files' | 'ffree'>

/** What is wrong with the disk of the folder, or nothing. `look` fails as `statfs` does. */
export async function describeDisk(
  folder: string,
  look: (folder: string) => Promise<DiskSpace> = statfs,
): Promise<string | undefined> {
  try {
    const { bavail, bsize, files, ffree } = await look(folder)
    const free = bavail * bsize
    if (free < minDiskBytes)
      return `Expected ${inMb(minDiskBytes)} free on the disk of ${folder}, found ${inMb(free)}; make room there`
    // Some file systems do not count files, and say 0.
    if (files > 0 && ffree < minFiles)
      return `Expected room for ${minFiles} files on the disk of ${folder}, found ${ffree}; remove some there`
    return undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && dirname(folder) !== folder)
      return describeDisk(dirname(folder), look)
    return `The disk of ${folder} cannot be looked at: ${messageOf(error)}`
  }
}

/** What is wrong with this machine's memory by the text of `/proc/meminfo`, or nothing. */
export function describeMemory(text: string): string | undefined {
  const found = /^MemAvailable:\s+(\d+) kB$/m.exec(text)?.[1]
  const available = found === undefined ? Number.POSITIVE_INFINITY : Number(found) * 1024
  if (available >= minMemoryBytes) return undefined
  return `Expected ${inMb(minMemoryBytes)} of memory for another host, found ${inMb(available)}; run fewer streams or models`
}

const whatToDo = 'no new client is let in. Watch fewer streams, or raise the limit (LimitNOFILE)'
const noneLeft = `Not one more descriptor can be opened; ${whatToDo}`

async function describeDescriptors(): Promise<string | undefined> {
  try {
    const limit = softLimit(await readFile('/proc/self/limits', 'utf8'))
    const used = (await readdir('/proc/self/fd')).length
    const reserve = Math.max(minDescriptors, Math.min(limit * minDescriptorShare, maxDescriptorReserve))
    if (limit - used >= reserve) return undefined
    return `Expected ${Math.floor(reserve)} descriptors to be left of ${limit}, found ${Math.max(0, limit - used)}; ${whatToDo}`
  } catch (error) {
    // Anything else says nothing about descriptors.
    return lacksDescriptors(error) ? noneLeft : undefined
  }
}

/** How many files may be open, by the text of `/proc/self/limits`: it may be changed while the engine runs. */
export function softLimit(limits: string): number {
  const found = /^Max open files\s+(\d+)/m.exec(limits)?.[1]
  return found === undefined ? Number.POSITIVE_INFINITY : Number(found)
}

function lacksDescriptors(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'EMFILE' || code === 'ENFILE'
}

function inMb(bytes: number): string {
  return `${Math.floor(bytes / 1e6)} MB`
}
