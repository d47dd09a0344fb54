import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import { EngineError, messageOf } from '../errors.ts'
import type { KnownFaces } from './vision-task.ts'

/** Each is compared with every face that is seen: 2,000 of 1,024 values take 2 ms. */
const mostFaces = 2000
const mostNameLetters = 100
/** For an engine that is just ending. */
const lockTimeoutMs = 1000
const schema = `
  CREATE TABLE IF NOT EXISTS faces (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, model TEXT NOT NULL, embedding BLOB NOT NULL, picture BLOB,
    created INTEGER NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS faces_by_name ON faces (name);
`

/** Somebody who is known. */
export interface Person {
  readonly name: string
  /** Faces and pictures of theirs that are kept. */
  readonly faces: number
  readonly pictures: number
}

/** A face to be known from now on. `picture`: the file it was seen in, which is kept only where that is switched on. */
export interface NewFace {
  readonly name: string
  readonly model: string
  readonly embedding: Float32Array
  readonly picture: Uint8Array
}

interface Row {
  readonly name: string
  readonly model: string
  readonly embedding: Uint8Array
}
interface Face {
  readonly name: string
  readonly model: string
  readonly embedding: Float32Array
}

/**
 * Faces with names, in SQLite: what was answered is there after a crash. The vectors are held in memory too. The file is made when the first
 * face comes. Calls that write take a millisecond or so of their thread. Its owner disposes it.
 */
export class FaceGallery implements KnownFaces, Disposable {
  readonly #file: string
  readonly #keepsPictures: boolean
  #database: Database.Database | undefined
  #faces: Face[] | undefined

  /** With `keepsPictures` false no picture is ever written, and those that were kept before are removed. */
  constructor(options: { readonly file: string; readonly keepsPictures: boolean }) {
    this.#file = options.file
    this.#keepsPictures = options.keepsPictures
  }

  get keepsPictures(): boolean {
    return this.#keepsPictures
  }

  knows(model: string): boolean {
    return this.#known().some((face) => face.model === model)
  }

  identify(model: string, embedding: Float32Array, least: number): { name: string; similarity: number } | undefined {
    let best: { name: string; similarity: number } | undefined
    for (const face of this.#known()) {
      if (face.model !== model || face.embedding.length !== embedding.length) continue
      const similarity = dot(face.embedding, embedding)
      if (similarity >= least && similarity > (best?.similarity ?? -2)) best = { name: face.name, similarity }
    }
    return best
  }

  /** Throws `invalid` for a name that is empty or too long, `busy` when there are too many faces. Unix ms. */
  add({ name, model, embedding, picture }: NewFace, now: number): Person {
    if (name.trim() !== name || name === '' || name.length > mostNameLetters)
      throw new EngineError(
        'invalid',
        `Expected a name of 1 to ${mostNameLetters} letters without space around it, received ${JSON.stringify(name)}`,
      )
    if (this.#known().length >= mostFaces)
      throw new EngineError('conflict', `Expected at most ${mostFaces} faces to be known. Remove some first`)
    const bytes = Buffer.from(embedding.buffer, embedding.byteOffset, embedding.byteLength)
    this.#run(
      'INSERT INTO faces (name, model, embedding, picture, created) VALUES (?, ?, ?, ?, ?)',
      ...[name, model, bytes, this.#keepsPictures ? picture : null, now],
    )
    this.#known().push({ name, model, embedding: Float32Array.from(embedding) })
    return this.#person(name)
  }

  /** By name. */
  list(): Person[] {
    return this.#guard(() =>
      this.#open()
        .prepare<[], Person>(
          'SELECT name, count(*) AS faces, count(picture) AS pictures FROM faces GROUP BY name ORDER BY name',
        )
        .all(),
    )
  }

  /** Forgets somebody, with all that was kept of them; the bytes are overwritten. Throws `not-found`. */
  remove(name: string): Person {
    const person = this.#person(name)
    this.#run('DELETE FROM faces WHERE name = ?', name)
    this.#guard(() => this.#open().pragma('wal_checkpoint(TRUNCATE)'))
    this.#faces = this.#known().filter((face) => face.name !== name)
    return person
  }

  /** The newest picture that is kept of somebody. Throws `not-found`. */
  picture(name: string): Uint8Array {
    const query = 'SELECT picture FROM faces WHERE name = ? AND picture IS NOT NULL ORDER BY seq DESC LIMIT 1'
    const row = this.#guard(() => this.#open().prepare<[string], { picture: Uint8Array }>(query).get(name))
    if (row !== undefined) return row.picture
    throw new EngineError('not-found', `Expected somebody of whom a picture is kept, received ${JSON.stringify(name)}`)
  }

  [Symbol.dispose](): void {
    this.#database?.close()
    this.#database = undefined
    this.#faces = undefined
  }

  #person(name: string): Person {
    const found = this.list().find((person) => person.name === name)
    if (found !== undefined) return found
    throw new EngineError('not-found', `Expected somebody who is known, received ${JSON.stringify(name)}`)
  }

  #known(): Face[] {
    this.#faces ??= this.#guard(() => {
      const rows = this.#open().prepare<[], Row>('SELECT name, model, embedding FROM faces ORDER BY seq').all()
      // Copied, as bytes out of SQLite need not lie where floats may.
      return rows.map((row) => ({ ...row, embedding: new Float32Array(Uint8Array.from(row.embedding).buffer) }))
    })
    return this.#faces
  }

  #run(sql: string, ...values: unknown[]): void {
    this.#guard(() =>
      this.#open()
        .prepare(sql)
        .run(...values),
    )
  }

  #open(): Database.Database {
    this.#database ??= openDatabase(this.#file, this.#keepsPictures)
    return this.#database
  }

  #guard<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      if (error instanceof EngineError || !(error instanceof Error && 'code' in error)) throw error
      const message = `Expected the gallery of faces at ${this.#file} to be usable: ${messageOf(error)}. Try again later`
      throw new EngineError('unavailable', message, { cause: error })
    }
  }
}

function openDatabase(file: string, keepsPictures: boolean): Database.Database {
  mkdirSync(dirname(file), { recursive: true })
  const database = new Database(file, { timeout: lockTimeoutMs })
  try {
    // Another engine would not see what this one learns.
    database.pragma('locking_mode = EXCLUSIVE')
    database.pragma('journal_mode = WAL')
    database.pragma('synchronous = NORMAL')
    // Who is removed is to be gone from the disk as well.
    database.pragma('secure_delete = ON')
    database.exec(schema)
    if (!keepsPictures) database.exec('UPDATE faces SET picture = NULL WHERE picture IS NOT NULL')
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}
