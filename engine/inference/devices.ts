import { availableParallelism } from 'node:os'
import type { DeviceLimits } from './device-queue.ts'

/** Where networks run on the CPU. */
export const cpuDevice = 'onnx'
/** The Hailo device. */
export const hailoDevice = 'hailo'
/** Where pictures are decoded, encoded and drawn on. */
export const picturesDevice = 'pictures'

/** Pictures worked on at once: libuv has four threads in the host, and inference needs the cores too. */
const pictureDepth = 2
/** Inferences of one model and of all: the device's own queues are never empty while there is work, and no frame waits long in one. */
const hailoDepth = { perResource: 4, depth: 16 }
/** So that one long network does not stop a live one. */
const minCpuDepth = 2

/**
 * The devices of this machine for models of so many threads each. The CPU takes as many models at once as have cores for their
 * threads: more would only take turns on them, each slower. But it takes at least two, although by default one model's threads fill all
 * cores but one: the system's own scheduler then shares the cores between both, and a live model goes on at about half its
 * speed instead of waiting for the whole of the other's work. One model runs one work at a time: it is one thread of the host.
 * The Hailo device shares itself among models by priority and in turns; here is decided only whose works it has.
 */
export function devices(threads: number, cores = availableParallelism()): Readonly<Record<string, DeviceLimits>> {
  return {
    [cpuDevice]: { depth: Math.max(minCpuDepth, Math.floor(cores / threads)) },
    [hailoDevice]: hailoDepth,
    [picturesDevice]: { depth: pictureDepth, perResource: pictureDepth },
  }
}
