import { z } from 'zod'
import { EngineError } from '../errors.ts'
import { formatOption, parseSize, rateOption, sizeOption, testLaunch } from '../hosts/launch.ts'
import { defineSource } from '../tools.ts'

const counter = 'counter'
/** The counter's row of 32 squares of 16 pixels needs this width. */
const minCounterWidth = 512
const patterns = [counter, 'smpte', 'ball', 'snow', 'black', 'white', 'circular', 'pinwheel', 'gradient'] as const

export default defineSource({
  name: 'test',
  summary: 'Test pictures, live. The pattern counter shows each packet’s seq as squares that a program can read.',
  emits: 'image',
  options: z.strictObject({
    pattern: z.enum(patterns).default('smpte').describe('What the pictures show.'),
    size: sizeOption.default('640x480'),
    rate: rateOption.default(30),
    format: formatOption.default('i420'),
  }),
  open({ pattern, size, rate, format }, tools) {
    const wanted = parseSize(size)
    if (!wanted) throw new EngineError('invalid', `Expected size to be like 640x480, received ${size}`)
    const drawSeq = pattern === counter
    if (drawSeq && (format !== 'i420' || wanted.width < minCounterWidth))
      throw new EngineError(
        'invalid',
        `Expected format i420 and a width of at least ${minCounterWidth} for the pattern counter, received ${format} ${size}`,
      )
    const { maxSize } = tools.capture
    if (wanted.width > maxSize.width || wanted.height > maxSize.height)
      throw new EngineError(
        'too-large',
        `Expected size to be at most ${maxSize.width}x${maxSize.height}, received ${size}`,
      )
    const launches = [testLaunch(drawSeq ? 'ball' : pattern, wanted, rate, format)]
    const request = { launches, format, loop: false, whenFull: 'skip', drawSeq } as const
    return tools.capture.open(`${tools.pipeline}/${tools.stream}`, request, tools)
  },
})
