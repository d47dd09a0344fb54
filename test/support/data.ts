import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { projectRoot } from '../../engine/root.ts'

const folder = resolve(projectRoot, process.env.HAILSTREAM_TEST_DATA ?? '../shared')

/** Whether the models, media and truth that some tests need are there. */
export const hasTestData = existsSync(resolve(folder, 'media')) && existsSync(resolve(folder, 'truth'))

/** Absolute path of a file of the test data, as `media/bus.jpg`. */
export function testData(file: string): string {
  return resolve(folder, file)
}
