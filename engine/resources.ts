import { statfs } from 'node:fs/promises'
import { availableParallelism, loadavg } from 'node:os'
import { toMb } from './inference/model-list.ts'
import type { Residency } from './inference/residency.ts'
import type { ResidencyUse } from './inference/residency-options.ts'
import { proportionalSetSize } from './memory-meter.ts'
import type { Resources } from './routes/models.ts'

/** What `GET /api/list-resources` is read from. */
export interface ResourceParts {
  readonly residency: Residency
  readonly hosts: () => readonly { readonly name: string; readonly pid: number | null; readonly state: string }[]
  readonly stateFolder: string
  /** Of the processor in °C; null where it is not known. */
  readonly temperature: () => number | null
}

/** Reads how much of the machine is in use, and by which models. What cannot be read is null. */
export async function readResources(parts: ResourceParts): Promise<Resources> {
  const { residency, hosts, stateFolder, temperature } = parts
  const [host, device] = [residency.use('host'), residency.use('device')]
  const held = residency.status().filter(({ state }) => state !== 'absent')
  return {
    memory: { host: inMb(host), device: device.total === null ? null : inMb(device) },
    models: held.map(({ name, backend, memory, state, bytes, pinned, users }) => ({
      ...{ name, backend, memory, state, memory_mb: toMb(bytes), pinned, users },
    })),
    loads_waiting: residency.waiting,
    hosts: await Promise.all(
      hosts().map(async ({ name, pid, state }) => {
        const memory_mb = pid === null ? null : toMb(await proportionalSetSize(pid))
        return { name, pid, state, memory_mb }
      }),
    ),
    cpu: { count: availableParallelism(), load: loadavg(), temperature_c: temperature() },
    disk: await readDisk(stateFolder),
  }
}

function inMb({ used, total }: ResidencyUse) {
  return { budget_mb: toMb(total), used_mb: toMb(used) }
}

/** null before the engine has written anything: there is no such folder. */
async function readDisk(path: string): Promise<Resources['disk']> {
  try {
    const { bavail, blocks, bsize } = await statfs(path)
    return { path, free_mb: toMb(bavail * bsize), total_mb: toMb(blocks * bsize) }
  } catch {
    return null
  }
}
