import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { EngineError, messageOf } from '../errors.ts'
import { writeWhole } from './whole-file.ts'

/** As Ollama writes names: namespace/name:tag, each part of letters, digits and a few signs. */
const nameSchema = z.string().regex(/^[A-Za-z0-9][\w.-]*(\/[A-Za-z0-9][\w.-]*)*(:[\w.-]+)?$/)
const aliasesSchema = z.record(nameSchema, z.string().min(1))
/** Nobody keeps more names than that, and each is read with every request. */
const maxAliases = 1000

/** Another name, which somebody gave a model. */
export interface ModelAlias {
  readonly name: string
  /** The model's own name. */
  readonly model: string
}

/**
 * The names that clients gave models by copying them, in `<state>/model-aliases.json`. A copy is a name and no second file, as with Ollama,
 * whose copies share their layers. Read once; a broken file throws `unavailable`, and is not written over.
 */
export class ModelAliases {
  readonly #path: string
  #known: Promise<ReadonlyMap<string, string>> | undefined
  #writing: Promise<unknown> = Promise.resolve()

  constructor(stateFolder: string) {
    this.#path = join(stateFolder, 'model-aliases.json')
  }

  async list(): Promise<readonly ModelAlias[]> {
    return [...(await this.#read())].map(([name, model]) => ({ name, model }))
  }

  /** The model that has this name, undefined when nobody gave it. */
  async modelOf(name: string): Promise<string | undefined> {
    return (await this.#read()).get(plain(name))
  }

  /** Gives a model a name; one that is given already goes over to it. Throws `invalid` for what is no name. */
  set(name: string, model: string): Promise<void> {
    if (!nameSchema.safeParse(name).success)
      throw new EngineError('invalid', `Expected a name such as mine or mine:small, received ${JSON.stringify(name)}`)
    return this.#change((known) => {
      if (known.size >= maxAliases && !known.has(plain(name)))
        throw new EngineError('conflict', `Expected at most ${maxAliases} names. Delete some first`)
      known.set(plain(name), model)
    })
  }

  /** Takes a name away. False when nobody gave it. */
  async remove(name: string): Promise<boolean> {
    let removed = false
    await this.#change((known) => {
      removed = known.delete(plain(name))
    })
    return removed
  }

  #change(edit: (known: Map<string, string>) => void): Promise<void> {
    const change = this.#writing.then(async () => {
      const known = new Map(await this.#read())
      edit(known)
      await writeWhole(this.#path, [Buffer.from(`${JSON.stringify(Object.fromEntries(known), null, 2)}\n`)])
      this.#known = Promise.resolve(known)
    })
    // One that failed does not keep the next one from its turn.
    this.#writing = change.catch(() => undefined)
    return change
  }

  #read(): Promise<ReadonlyMap<string, string>> {
    this.#known ??= readAliases(this.#path).catch((error: unknown) => {
      this.#known = undefined
      throw error
    })
    return this.#known
  }
}

/** The tag `latest` is what a name without one has. */
function plain(name: string): string {
  return name.replace(/:latest$/, '')
}

async function readAliases(path: string): Promise<ReadonlyMap<string, string>> {
  try {
    return new Map(Object.entries(aliasesSchema.parse(JSON.parse(await readFile(path, 'utf8')))))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map()
    const message = `Expected names of models in ${path}: ${messageOf(error)}. Mend it, or remove it`
    throw new EngineError('unavailable', message, { cause: error })
  }
}
