import { EngineError } from './errors.ts'
import type { Catalogue } from './inference/catalogue.ts'
import { backendNames, type CatalogueModel } from './inference/catalogue-schema.ts'
import { FolderNames } from './inference/folder-names.ts'
import { type StockedModel, takeStock } from './inference/model-stock.ts'
import type { ModelsContext } from './models-context.ts'
import { sizeText } from './progress-bar.ts'

/** `models list`: a line for each model, or those of a task, a backend or a part of a name; `--json` gives all that is known. */
export async function listModels(words: readonly string[], command: ModelsContext): Promise<boolean> {
  const { store, catalogue, output, json } = command
  const models = catalogue.models.filter((model) => words.every((word) => isMeant(model, word, catalogue)))
  if (models.length === 0) {
    const tasks = [...new Set(catalogue.models.map(({ task }) => task))].join(', ')
    throw new EngineError(
      'not-found',
      `Expected a task (${tasks}), a backend or a part of a name, received ${words.join(' ')}`,
    )
  }
  const names = new FolderNames()
  const stock = await Promise.all(models.map((model) => takeStock(model, store, names)))
  if (json) output.print(JSON.stringify(stock, null, 2))
  else printTable(stock.map(toRow), output.print)
  return true
}

/** A word that is a task or a backend is not looked for in names. */
function isMeant(model: CatalogueModel, word: string, { models }: Catalogue): boolean {
  if (models.some(({ task }) => task === word)) return model.task === word
  const backend = backendNames.find((name) => name === word)
  return backend === undefined ? model.name.includes(word) : model[backend] !== undefined
}

const head = ['MODEL', 'TASK', 'BACKENDS', 'STATE', 'SIZE', 'LICENCE', 'WHY']

function toRow({ name, task, licence, state, artefacts }: StockedModel): string[] {
  const here = artefacts.filter((artefact) => artefact.state === state)
  const backends = artefacts.map(({ backend, state }) => (state === 'available' ? `${backend}*` : backend)).join(' ')
  const size = (here[0] ?? artefacts[0])?.bytes ?? null
  const part = artefacts.reduce((sum, { partBytes }) => sum + partBytes, 0)
  const begun = part > 0 ? `${sizeText(part)} of a pull are here; ` : ''
  const why = begun + [...new Set(here.map((artefact) => artefact.why))].join('; ')
  return [name, task, backends, state, size === null ? '-' : sizeText(size), licence, why]
}

/** Columns as wide as their widest cell; the last one as long as it is. A star marks a backend whose files are here. */
function printTable(rows: readonly string[][], print: (text: string) => void): void {
  const lines = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...lines.map((row) => row[column]?.length ?? 0)))
  const last = head.length - 1
  for (const row of lines)
    print(row.map((cell, column) => (column === last ? cell : cell.padEnd(widths[column] ?? 0))).join('  '))
}
