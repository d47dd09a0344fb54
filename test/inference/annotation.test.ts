import { describe, expect, it } from 'vitest'
import type { DetectedObject } from '../../engine/core/packet.ts'
import { drawObjects } from '../../engine/inference/annotation.ts'

const person: DetectedObject = { label: 'person', confidence: 0.934, bbox: [10.04, 20, 80, 210] }

describe('drawObjects', () => {
  it('draws a box in pixels of the image, with its label and confidence', () => {
    const svg = drawObjects([person], 640, 480)
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" width="640" height="480"/)
    expect(svg).toContain('<rect x="10" y="20" width="80" height="210" fill="none"/>')
    expect(svg).toContain('>person 93 %</text>')
  })

  it('draws nothing for no objects', () => {
    expect(drawObjects([], 640, 480)).not.toMatch(/<(rect|text|line|circle)/)
  })

  it('draws a limb where both ends were seen, and no guessed keypoint', () => {
    const keypoints = [
      { name: 'left_shoulder', x: 100, y: 50, confidence: 0.9 },
      { name: 'left_elbow', x: 110, y: 90, confidence: 0.8 },
      { name: 'left_wrist', x: 115, y: 120, confidence: 0.1 },
      { name: 'right_knee', x: 60, y: 190, confidence: 0.9 },
    ]
    const svg = drawObjects([{ ...person, keypoints }], 640, 480)
    expect(svg.match(/<line[^>]*>/g)).toEqual(['<line x1="100" y1="50" x2="110" y2="90"/>'])
    expect(svg.match(/<circle/g)).toHaveLength(3)
  })

  it('draws thicker lines and larger text on a larger image', () => {
    const sizes = [400, 800].map((side) => {
      const svg = drawObjects([person], side, side)
      return [/stroke-width="([\d.]+)"/.exec(svg)![1], /font-size="([\d.]+)"/.exec(svg)![1]].map(Number)
    })
    expect(sizes[1]).toEqual(sizes[0]!.map((size) => 2 * size))
  })

  it('gives a track its own colour, which stays when the label changes', () => {
    const colourOf = (object: DetectedObject) => /stroke="(#\w+)"/.exec(drawObjects([object], 640, 480))![1]
    expect(colourOf({ ...person, id: 3 })).toBe(colourOf({ ...person, id: 3, label: 'dog' }))
    expect(colourOf({ ...person, id: 3 })).not.toBe(colourOf({ ...person, id: 4 }))
    expect(drawObjects([{ ...person, id: 3 }], 640, 480)).toContain('>#3 person 93 %<')
  })

  it('keeps the label inside of the image when the box reaches its right edge', () => {
    const svg = drawObjects([{ ...person, bbox: [620, 100, 20, 100] }], 640, 480)
    const [, x, width] = /<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)" height="[\d.]+" fill="#\w+"\/><text/.exec(svg)!
    expect(Number(x) + Number(width)).toBeCloseTo(640, 0)
  })

  it('keeps the label inside of the image when the box reaches over its upper left corner', () => {
    const svg = drawObjects([{ ...person, bbox: [-30, -40, 80, 100] }], 640, 480)
    expect(svg).toMatch(/<rect x="0" y="0" [^>]*fill="#\w+"\/><text/)
  })

  it('writes letters that mean something in XML, and control characters, as harmless text', () => {
    const svg = drawObjects([{ ...person, label: '<script>&"\u0000' }], 640, 480)
    expect(svg).toContain('&lt;script&gt;&amp;&quot;  93 %')
    expect(svg).not.toContain('<script')
  })
})
