import { describe, expect, it } from 'vitest'
import { WorkEstimate } from '../../engine/inference/work-estimate.ts'

function learn(...measured: [soundMs: number, tookMs: number][]): WorkEstimate {
  const estimate = new WorkEstimate()
  for (const one of measured) estimate.learn(...one)
  return estimate
}

describe('an estimate of work', () => {
  it('expects nothing before anything was measured, and the same again after one measurement', () => {
    expect(learn().expectMs(5000)).toBe(0)
    expect(learn([500, 300]).expectMs(5000)).toBe(300)
  })

  it('expects as much for a longer sound where the work does not grow', () => {
    expect(learn([500, 575], [1600, 575]).expectMs(5000)).toBe(575)
    expect(learn([500, 900], [1600, 575]).expectMs(5000)).toBe(575)
  })

  it('expects more for a longer sound where the work grows with it', () => {
    expect(learn([500, 650], [1500, 1850]).expectMs(5000)).toBeCloseTo(6050)
    expect(learn([500, 650], [1500, 1850], [1600, 1970]).expectMs(5000)).toBeCloseTo(6050)
  })
})
