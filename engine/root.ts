import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder that holds package.json: the same from `engine/` (tests) and from `dist/engine/` (the built engine). */
export const projectRoot = findRoot(dirname(fileURLToPath(import.meta.url)))

function findRoot(folder: string): string {
  if (existsSync(join(folder, 'package.json')) && existsSync(join(folder, 'pipelines'))) return folder
  const parent = dirname(folder)
  if (parent === folder)
    throw new Error('Expected package.json above the engine, found none: the installation is not whole')
  return findRoot(parent)
}
