import type { Box } from '../geometry/box.ts'

/** Noise is stated per step of a 30 fps video, as in the papers; other rates and dropped frames are fractions and multiples of it. */
const stepsPerSecond = 30
/** Standard deviations per step, in heights of the box (Wojke et al. 2017). */
const positionWeight = 1 / 20
const velocityWeight = 1 / 160

/** Position and velocity (per step) of one coordinate, with their covariance. */
interface Axis {
  position: number
  velocity: number
  positionVariance: number
  covariance: number
  velocityVariance: number
}
/** Standard deviations of one coordinate. */
interface Noise {
  readonly position: number
  readonly velocity: number
}
/** Centre x, centre y, aspect (width ÷ height), height. */
type Measurement = readonly [number, number, number, number]

/**
 * The Kalman filter of DeepSORT (Wojke et al. 2017), used by ByteTrack: constant velocity of centre, aspect and height. All
 * its matrices join a coordinate with its own velocity only, so that four filters of two states are the same as the one of
 * eight. Time-aware: a step of dt seconds adds white noise of velocity and position over dt, hence two steps are as one of both.
 */
export class BoxFilter {
  readonly #axes: readonly Axis[]

  constructor(box: Box) {
    const noises = noisesOf(box[3])
    this.#axes = toMeasurement(box).map((position, i) => ({
      position,
      velocity: 0,
      positionVariance: square(i === aspect ? 0.01 : 2 * noises[i]!.position),
      covariance: 0,
      velocityVariance: square(i === aspect ? 1e-5 : 10 * noises[i]!.velocity),
    }))
  }

  /** The box where it should be now. */
  get box(): Box {
    const [x = 0, y = 0, ratio = 0, height = 0] = this.#axes.map(({ position }) => position)
    const width = Math.max(0, ratio * height)
    return [x - width / 2, y - height / 2, width, Math.max(0, height)]
  }

  /** Pixels per second of the centre. */
  get velocity(): readonly [number, number] {
    return [this.#axes[0]!.velocity * stepsPerSecond, this.#axes[1]!.velocity * stepsPerSecond]
  }

  /** A box that is not seen moves on, but keeps its size, as in ByteTrack. */
  keepSize(): void {
    for (const axis of this.#axes.slice(aspect)) axis.velocity = 0
  }

  predict(seconds: number): void {
    const steps = seconds * stepsPerSecond
    const noises = noisesOf(this.#axes[3]!.position)
    for (const [i, axis] of this.#axes.entries()) predictAxis(axis, noises[i]!, steps)
  }

  /** Takes in where the box was seen. */
  correct(box: Box): void {
    const noises = noisesOf(this.#axes[3]!.position)
    for (const [i, measured] of toMeasurement(box).entries())
      correctAxis(this.#axes[i]!, measured, square(i === aspect ? 0.1 : noises[i]!.position))
  }
}

const aspect = 2

/** Of one step. */
function noisesOf(height: number): readonly Noise[] {
  const size = Math.max(1, height)
  const place = { position: positionWeight * size, velocity: velocityWeight * size }
  return [place, place, { position: 0.01, velocity: 1e-5 }, place]
}

function predictAxis(axis: Axis, noise: Noise, steps: number): void {
  const [q, r] = [square(noise.velocity), square(noise.position)]
  axis.position += axis.velocity * steps
  axis.positionVariance +=
    2 * axis.covariance * steps + axis.velocityVariance * steps ** 2 + r * steps + (q * steps ** 3) / 3
  axis.covariance += axis.velocityVariance * steps + (q * steps ** 2) / 2
  axis.velocityVariance += q * steps
}

function correctAxis(axis: Axis, measured: number, variance: number): void {
  const gain = axis.positionVariance / (axis.positionVariance + variance)
  const velocityGain = axis.covariance / (axis.positionVariance + variance)
  const innovation = measured - axis.position
  axis.position += gain * innovation
  axis.velocity += velocityGain * innovation
  axis.velocityVariance -= velocityGain * axis.covariance
  axis.covariance *= 1 - gain
  axis.positionVariance *= 1 - gain
}

function toMeasurement([x, y, width, height]: Box): Measurement {
  return [x + width / 2, y + height / 2, width / Math.max(height, 1e-6), height]
}

function square(value: number): number {
  return value * value
}
