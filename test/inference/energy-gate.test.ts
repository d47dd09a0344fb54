import { expect, it } from 'vitest'
import { EnergyGate } from '../../engine/inference/energy-gate.ts'

const step = (level: number) => new Float32Array(512).fill(level)

it('is shut for what is softer than −60 dB of full scale', () => {
  const gate = new EnergyGate()
  expect([0, 0.0009, 0.0011, 1].map((level) => new EnergyGate().opens(step(level)))).toEqual([false, false, true, true])
  expect(gate.opens(step(0))).toBe(false)
})

it('stays open for half a second after a loud step, or until it forgets it', () => {
  const gate = new EnergyGate()
  gate.opens(step(0.1))
  const open = Array.from({ length: 20 }, () => gate.opens(step(0))).filter(Boolean)
  expect(open).toHaveLength(15)
  gate.opens(step(0.1))
  gate.reset()
  expect(gate.opens(step(0))).toBe(false)
})
