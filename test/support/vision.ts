import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Logger, pino } from 'pino'
import { ImagePool } from '../../engine/core/image-pool.ts'
import type { DetectedObject, PooledImage } from '../../engine/core/packet.ts'
import type { SharedPool } from '../../engine/hosts/host.ts'
import { loadCatalogue } from '../../engine/inference/catalogue.ts'
import { HailoBackend } from '../../engine/inference/hailo.ts'
import { LearnedSizes } from '../../engine/inference/learned-sizes.ts'
import { ModelStore } from '../../engine/inference/model-store.ts'
import { Residency } from '../../engine/inference/residency.ts'
import type { ResidencyEvent } from '../../engine/inference/residency-options.ts'
import type { OnWorked } from '../../engine/inference/scheduler.ts'
import { VisionEngine } from '../../engine/inference/vision-engine.ts'
import { type KnownFaces, loadTasks, type VisionTask } from '../../engine/inference/vision-task.ts'
import { addon } from '../../engine/native/addon.ts'

const slotBytes = 1920 * 1080 * 3

export interface VisionSetup extends AsyncDisposable {
  readonly vision: VisionEngine
  readonly hailo: HailoBackend | undefined
  readonly tasks: readonly VisionTask[]
  readonly pool: SharedPool
  readonly residency: Residency
  readonly stateFolder: string
  /** Loads, unloads and refusals of models, in their order. */
  readonly events: readonly ResidencyEvent[]
  /** Lines that were logged, parsed. */
  readonly logged: readonly Record<string, unknown>[]
  /** An image in a slot of its own, without asking the host: RGB rows without padding. */
  rgb(width: number, height: number, pixels: Uint8Array): PooledImage
}

export interface VisionSetupOptions {
  /** Folders with models; none leaves the bundled ones. */
  readonly paths?: string[]
  readonly slots?: number
  readonly threads?: number
  readonly onWorked?: OnWorked
  /** Bytes of host memory for models; left out: no bound. */
  readonly budget?: number
  readonly pinned?: readonly string[]
  /** Its owner's. */
  readonly knownFaces?: KnownFaces
  /** Seconds; left out: for ever. */
  readonly keepAlive?: number
  /** The simulated device, its owner's; its results are the only ones that are preferred to ONNX Runtime's. */
  readonly standin?: { readonly env: Readonly<Record<string, string>>; readonly models: string }
}

/** A vision engine with its own pool and state folder, as `app.ts` makes one. */
export async function createVision(options: VisionSetupOptions = {}): Promise<VisionSetup> {
  const logged: Record<string, unknown>[] = []
  const log = pino({ level: 'debug', base: null }, { write: (line: string) => void logged.push(JSON.parse(line)) })
  const slots = options.slots ?? 8
  const pool = { ledger: new ImagePool({ slots }), memory: addon().createPool(slots, slotBytes) }
  const stateFolder = await mkdtemp(join(tmpdir(), 'hailstream-vision-'))
  const catalogue = loadCatalogue()
  const store = new ModelStore({
    catalogue,
    stateFolder,
    paths: [...(options.standin ? [options.standin.models] : []), ...(options.paths ?? [])],
    mirror: null,
    log,
  })
  const tasks = await loadTasks(join(import.meta.dirname, '../../engine/tasks'))
  const { threads = 1, onWorked, budget = null, pinned = [], keepAlive = -1 } = options
  const events: ResidencyEvent[] = []
  const onEvent = (event: ResidencyEvent) => void events.push(event)
  const residency = new Residency({ budget: () => budget, pinned, keepAlive, onEvent })
  const sizes = new LearnedSizes({ stateFolder, log })
  const hailo = options.standin && createHailo(options.standin, { pool, log, residency })
  const { knownFaces } = options
  const parts = { pool, catalogue, store, tasks, knownFaces, residency, sizes, threads, log, hailo }
  const vision = new VisionEngine({ ...parts, ...(onWorked && { onWorked }) })
  return {
    vision,
    hailo,
    tasks,
    pool,
    residency,
    stateFolder,
    events,
    logged,
    rgb: (width, height, pixels) => fillSlot(pool, width, height, pixels),
    [Symbol.asyncDispose]: async () => {
      residency[Symbol.dispose]()
      await vision[Symbol.asyncDispose]()
      await hailo?.[Symbol.asyncDispose]()
      await sizes[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
      pool.memory.close()
      await rm(stateFolder, { recursive: true })
    },
  }
}

function createHailo(
  { env }: NonNullable<VisionSetupOptions['standin']>,
  { pool, log, residency }: { pool: SharedPool; log: Logger; residency: Residency },
): HailoBackend {
  const support = { variant: 'standin', env, group: 'SHARED', simulated: true } as const
  const ownBytes = () => residency.use('device').used
  return new HailoBackend({ support, pool, log, ownBytes, timing: { absentAgainMs: 500, failedAgainMs: 500 } })
}

function fillSlot({ ledger, memory }: SharedPool, width: number, height: number, pixels: Uint8Array): PooledImage {
  const loan = ledger.lend('test', { fromReserve: true })
  if (!loan) throw new Error('Expected a free slot')
  const { bytes, planes } = addon().imageLayout('rgb', width, height)
  for (let y = 0; y < height; y++)
    memory.write(loan.slot, pixels.subarray(3 * width * y, 3 * width * (y + 1)), y * planes[0]!.stride)
  return ledger.filled(loan.loan, { width, height, format: 'rgb', bytes })!
}

/** Intersection over union of two boxes (x, y, width, height). */
export function iouOf(a: DetectedObject['bbox'], b: DetectedObject['bbox']): number {
  const width = Math.min(a[0] + a[2], b[0] + b[2]) - Math.max(a[0], b[0])
  const height = Math.min(a[1] + a[3], b[1] + b[3]) - Math.max(a[1], b[1])
  const common = Math.max(0, width) * Math.max(0, height)
  return common / (a[2] * a[3] + b[2] * b[3] - common)
}
