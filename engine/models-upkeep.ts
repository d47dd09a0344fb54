import { EngineError } from './errors.ts'
import { identify, removeModel, type Verdict, verifyModel } from './inference/model-upkeep.ts'
import type { ModelsContext } from './models-context.ts'
import { sizeText } from './progress-bar.ts'

/** `models verify`: hashes every file that is here, or those of the named models. False when one is not what it should be. */
export async function verifyModels(names: readonly string[], command: ModelsContext): Promise<boolean> {
  const { catalogue, store, output } = command
  const models = names.length === 0 ? catalogue.models : names.map((name) => catalogue.model(name))
  const verdicts: Verdict[] = []
  for (const model of models) {
    const found = await verifyModel(model, store)
    if (found.length === 0 && names.length > 0) found.push(absent(model.name))
    for (const verdict of found) output.print(verdictText(verdict))
    verdicts.push(...found)
  }
  const bad = verdicts.filter(
    ({ verdict }) => verdict === 'changed' || verdict === 'unreadable' || verdict === 'missing',
  )
  const count = verdicts.length === 1 ? '1 file' : `${verdicts.length} files`
  output.print(`${count}: ${bad.length === 0 ? 'none is wrong' : `${bad.length} wrong`}`)
  return bad.length === 0
}

function absent(model: string): Verdict {
  return {
    model,
    file: model,
    path: null,
    verdict: 'missing',
    detail: `nothing of it is here. Try: models pull ${model}`,
  }
}

function verdictText({ file, path, verdict, detail }: Verdict): string {
  return `${verdict.padEnd(10)} ${path ?? file} (${detail})`
}

/** `models remove`: takes models out of our own folder, and says which copies stay. */
export async function removeModels(
  names: readonly string[],
  { catalogue, store, output }: ModelsContext,
): Promise<boolean> {
  for (const model of names.map((name) => catalogue.model(name))) {
    const { bytes, staying } = await removeModel(model, store)
    output.print(
      `${model.name}: ${bytes > 0 ? `removed, ${sizeText(bytes)} are free again` : `nothing of it is in ${store.own.folder}`}`,
    )
    for (const path of staying) output.print(`${model.name}: stays in ${path}, which is only read`)
  }
  return true
}

/** `models import`: copies one file into our own folder under its catalogue name, checked and recorded. */
export async function importModel(words: readonly string[], command: ModelsContext): Promise<boolean> {
  const { catalogue, store, output, flags, signal } = command
  const [source = '', ...others] = words
  if (others.length > 0) throw new EngineError('invalid', `Expected one file to import, received ${words.join(' ')}`)
  const { model, file } = await identify(source, catalogue, flags.as)
  output.print(`${model.name}: licence ${model.licence}`)
  const path = await store.own.adopt(source, file, signal)
  output.print(`${model.name}: imported as ${path}`)
  return true
}
