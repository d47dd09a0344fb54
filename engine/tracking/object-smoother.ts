import type { DetectedObject, Keypoint } from '../core/packet.ts'
import { OneEuroFilter, type OneEuroOptions } from './one-euro.ts'

/** How an `ObjectSmoother` works. */
export interface SmootherOptions extends OneEuroOptions {
  /** Seconds unseen after which an object begins anew, so that nothing glides in from where another was. */
  readonly resetSeconds: number
  /** A keypoint less sure than this passes as it is and is forgotten, 0 to 1. */
  readonly minKeypoint: number
}

/** Objects remembered at most; then the one longest unseen is forgotten. */
const maxObjects = 1000

/** Smooths boxes and keypoints of objects by id, or by label and place in the list where there is no id. */
export class ObjectSmoother {
  readonly #options: SmootherOptions
  /** The one longest unseen first. */
  readonly #memories = new Map<string, Memory>()

  constructor(options: SmootherOptions) {
    this.#options = options
  }

  next(objects: readonly DetectedObject[], seconds: number): DetectedObject[] {
    this.#forget(seconds)
    const nth = new Map<string, number>()
    return objects.map((object) => {
      const place = nth.get(object.label) ?? 0
      nth.set(object.label, place + 1)
      const key = object.id === undefined ? `${object.label} ${place}` : `#${object.id}`
      return this.#smooth(object, this.#recall(key, seconds), seconds)
    })
  }

  #recall(key: string, seconds: number): Memory {
    const memory = this.#memories.get(key) ?? new Memory(this.#options)
    memory.lastSeen = seconds
    this.#memories.delete(key)
    this.#memories.set(key, memory)
    return memory
  }

  #forget(seconds: number): void {
    for (const [key, { lastSeen }] of this.#memories) {
      if (seconds - lastSeen <= this.#options.resetSeconds && this.#memories.size <= maxObjects) return
      this.#memories.delete(key)
    }
  }

  #smooth(object: DetectedObject, memory: Memory, seconds: number): DetectedObject {
    const [x, y, width, height] = object.bbox
    const next = (name: string, value: number) => memory.next(name, value, seconds)
    const size = [Math.max(0, next('box width', width)), Math.max(0, next('box height', height))] as const
    const middle = [next('box x', x + width / 2), next('box y', y + height / 2)] as const
    const { keypoints } = object
    return {
      ...object,
      bbox: [middle[0] - size[0] / 2, middle[1] - size[1] / 2, ...size],
      ...(keypoints && { keypoints: keypoints.map((keypoint) => this.#smoothKeypoint(keypoint, memory, seconds)) }),
    }
  }

  #smoothKeypoint(keypoint: Keypoint, memory: Memory, seconds: number): Keypoint {
    const { name, x, y, confidence } = keypoint
    const [nameX, nameY] = [`point ${name} x`, `point ${name} y`]
    if (confidence >= this.#options.minKeypoint)
      return { ...keypoint, x: memory.next(nameX, x, seconds), y: memory.next(nameY, y, seconds) }
    memory.forget(nameX)
    memory.forget(nameY)
    return keypoint
  }
}

/** The filters of one object, by coordinate. */
class Memory {
  readonly #options: SmootherOptions
  readonly #filters = new Map<string, OneEuroFilter>()
  /** Seconds. */
  lastSeen = 0

  constructor(options: SmootherOptions) {
    this.#options = options
  }

  next(coordinate: string, value: number, seconds: number): number {
    const filter = this.#filters.get(coordinate) ?? new OneEuroFilter(this.#options)
    this.#filters.set(coordinate, filter)
    return filter.next(value, seconds)
  }

  forget(coordinate: string): void {
    this.#filters.delete(coordinate)
  }
}
