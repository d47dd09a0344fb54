import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { EngineError, messageOf } from '../errors.ts'
import { projectRoot } from '../root.ts'
import type { ModelEntry } from './catalogue.ts'

const known = new Map<string, readonly string[]>()

/** The names of a model's classes out of the file that an installed package carries, which is read once. Throws `unavailable` without it. */
export function labelsInFile({ name, labelFile }: Pick<ModelEntry, 'name' | 'labelFile'>): readonly string[] {
  if (labelFile === undefined) throw new Error(`Expected ${name} to name a file of labels`)
  const labels = known.get(labelFile) ?? readLabels(name, labelFile)
  known.set(labelFile, labels)
  return labels
}

function readLabels(name: string, labelFile: string): readonly string[] {
  try {
    const text = readFileSync(join(projectRoot, 'node_modules', labelFile), 'utf8')
    return text.replace(/\r?\n$/, '').split(/\r?\n/)
  } catch (error) {
    const message = `Expected the labels of ${name} in ${labelFile}: ${messageOf(error)}. Run: npm run setup`
    throw new EngineError('unavailable', message, { cause: error })
  }
}
