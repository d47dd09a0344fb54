import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { defer, throwError } from 'rxjs'
import { z } from 'zod'
import { EngineError } from '../errors.ts'
import { fileLaunch, formatOption, rateOption, sizeOption } from '../hosts/launch.ts'
import { defineSource } from '../tools.ts'

export default defineSource({
  name: 'file',
  summary: 'A video file, at its own pace or as fast as it can be read.',
  emits: 'image',
  options: z.strictObject({
    path: z.string().min(1).describe('The file; a relative path starts at the working directory.'),
    pace: z
      .enum(['real', 'max'])
      .default('real')
      .describe('real: by its timestamps. max: as fast as slots come free, no frame lost before the graph.'),
    loop: z
      .boolean()
      .default(true)
      .describe('Start anew at the end; otherwise the end is an error, and the source is opened anew.'),
    size: sizeOption.optional(),
    rate: rateOption.optional().describe('The most frames per second of the file’s time; others are left out.'),
    format: formatOption.optional(),
  }),
  open({ path, pace, loop, ...video }, tools) {
    const file = resolve(path)
    const launches = [fileLaunch(file, pace, video, tools.capture.maxSize)]
    const whenFull = pace === 'max' ? 'wait' : 'skip'
    const request = { launches, format: video.format ?? 'i420', loop, whenFull, drawSeq: false } as const
    return defer(() =>
      existsSync(file)
        ? tools.capture.open(`${tools.pipeline}/${tools.stream}`, request, tools)
        : throwError(() => new EngineError('not-found', `Expected a file at ${file}, found none`)),
    )
  },
})
