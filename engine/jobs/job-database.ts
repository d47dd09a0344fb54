import Database from 'better-sqlite3'
import { EngineError } from '../errors.ts'
import {
  type Job,
  type JobFailure,
  type JobInput,
  type JobLimits,
  type JobOutcome,
  type JobStatus,
  type JobsUse,
  jobStatuses,
  type NewJob,
} from './job.ts'
import { type ItemRow, type JobRow, parse, toJob } from './job-rows.ts'

/** An input that is to be worked on now. */
export interface JobWork {
  readonly at: number
  readonly input: JobInput
}

/** An input that was being worked on when the engine ended is begun once more; if it ends again, the input is what is wrong. */
const maxAttempts = 2
/** For an engine that is just ending. */
const lockTimeoutMs = 1000
const schema = `
  CREATE TABLE IF NOT EXISTS jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, kind TEXT NOT NULL, request TEXT NOT NULL, batch INTEGER NOT NULL,
    status TEXT NOT NULL, created INTEGER NOT NULL, started INTEGER, finished INTEGER, failure TEXT) STRICT;
  CREATE TABLE IF NOT EXISTS items (
    job TEXT NOT NULL REFERENCES jobs(id) ON DELETE CASCADE, at INTEGER NOT NULL, text TEXT, bytes BLOB, status TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, result TEXT, failure TEXT, size INTEGER NOT NULL, PRIMARY KEY (job, at)) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS jobs_by_status ON jobs (status, seq);
`
const columns = `jobs.*, (SELECT count(*) FROM items WHERE job = id) AS total,
  (SELECT count(*) FROM items WHERE job = id AND status = 'complete') AS done,
  (SELECT count(*) FROM items WHERE job = id AND status = 'failed') AS failed`
const open = "('queued', 'running')"

/**
 * The jobs in SQLite, each call one transaction: what it has answered is there after a crash of the process. Its calls block,
 * so it lives in a thread of its own (`JobStore`).
 */
export class JobDatabase {
  readonly #database: Database.Database

  /** Opens the file, or makes it. Throws SQLite's error for one that is no database, or that another engine has open. */
  constructor(file: string) {
    this.#database = new Database(file, { timeout: lockTimeoutMs })
    // Two engines on one file would each take the other's jobs for those of a crash.
    this.#database.pragma('locking_mode = EXCLUSIVE')
    // With the write-ahead log, NORMAL loses nothing at the death of the process, and spares a slow card.
    this.#database.pragma('journal_mode = WAL')
    this.#database.pragma('synchronous = NORMAL')
    this.#database.pragma('foreign_keys = ON')
    this.#database.exec(schema)
  }

  /** Throws `busy` when too much waits or is kept already. Unix ms. */
  add(id: string, job: NewJob, limits: JobLimits, now: number): Job {
    return this.#once(() => {
      this.#expectRoom(job, limits)
      this.#run(
        `INSERT INTO jobs (id, kind, request, batch, status, created) VALUES (?, ?, ?, ?, 'queued', ?)`,
        ...[id, job.kind, JSON.stringify(job.request), job.batch ? 1 : 0, now],
      )
      for (const [at, input] of job.inputs.entries()) this.#addItem(id, at, input)
      return this.#expect(id)
    })
  }

  job(id: string): Job | null {
    const row = this.#get<JobRow>(`SELECT ${columns} FROM jobs WHERE id = ?`, id)
    return row === undefined ? null : toJob(row)
  }

  /** In the order of the inputs. */
  outcomes(id: string): JobOutcome[] {
    const rows = this.#all<ItemRow>('SELECT result, failure FROM items WHERE job = ? ORDER BY at', id)
    return rows.map(({ result, failure }) => ({ result: parse(result), failure: parse(failure) as JobFailure | null }))
  }

  /** The newest first. */
  list(status: JobStatus | null, limit: number): Job[] {
    const where = status === null ? '' : 'WHERE status = ?'
    const values = status === null ? [limit] : [status, limit]
    return this.#all<JobRow>(`SELECT ${columns} FROM jobs ${where} ORDER BY seq DESC LIMIT ?`, ...values).map(toJob)
  }

  use(): JobsUse {
    const rows = this.#all<{ status: JobStatus; count: number }>(
      'SELECT status, count(*) AS count FROM jobs GROUP BY status',
    )
    const counts = Object.fromEntries(
      jobStatuses.map((status) => [status, rows.find((row) => row.status === status)?.count ?? 0]),
    ) as Record<JobStatus, number>
    return { counts, bytes: this.#bytes() }
  }

  /** Jobs that are queued or running, in their order. */
  waiting(): Job[] {
    return this.#all<JobRow>(`SELECT ${columns} FROM jobs WHERE status IN ${open} ORDER BY seq`).map(toJob)
  }

  /** The first of them. */
  next(): Job | null {
    const row = this.#get<JobRow>(`SELECT ${columns} FROM jobs WHERE status IN ${open} ORDER BY seq LIMIT 1`)
    return row === undefined ? null : toJob(row)
  }

  /** After a start: what was being worked on when the process ended waits again, or failed for good. */
  recover(): void {
    this.#once(() => {
      const failure: JobFailure = {
        code: 'internal',
        message: `The engine ended ${maxAttempts} times while it worked on this`,
      }
      this.#run(
        `UPDATE items SET status = 'failed', failure = ?, text = NULL, bytes = NULL, size = 0 WHERE status = 'running' AND attempts >= ?`,
        ...[JSON.stringify(failure), maxAttempts],
      )
      this.#run(`UPDATE items SET status = 'queued' WHERE status = 'running'`)
    })
  }

  /** The next input of the job, which is being worked on from now on; null: none is left. */
  begin(id: string, now: number): JobWork | null {
    return this.#once(() => {
      if (
        this.#run(
          `UPDATE jobs SET status = 'running', started = coalesce(started, ?) WHERE id = ? AND status IN ${open}`,
          now,
          id,
        ) === 0
      )
        return null
      const item = this.#get<ItemRow>(
        `SELECT at, text, bytes FROM items WHERE job = ? AND status = 'queued' ORDER BY at LIMIT 1`,
        id,
      )
      if (item === undefined) return null
      this.#run(`UPDATE items SET status = 'running', attempts = attempts + 1 WHERE job = ? AND at = ?`, id, item.at)
      return {
        at: item.at,
        input: item.text === null ? { bytes: item.bytes ?? new Uint8Array(0) } : { text: item.text },
      }
    })
  }

  /** The input has its outcome, and is dropped. Nothing happens when its job was cancelled. */
  finish(id: string, at: number, { result, failure }: JobOutcome): void {
    const text = failure === null ? JSON.stringify(result ?? null) : null
    const why = failure === null ? null : JSON.stringify(failure)
    this.#run(
      `UPDATE items SET status = ?, result = ?, failure = ?, text = NULL, bytes = NULL, size = ? WHERE job = ? AND at = ? AND status = 'running'`,
      ...[failure === null ? 'complete' : 'failed', text, why, (text ?? why ?? '').length, id, at],
    )
  }

  /** The engine stops in an orderly way: the input waits as if it had not been begun. */
  putBack(id: string, at: number): void {
    this.#run(
      `UPDATE items SET status = 'queued', attempts = attempts - 1 WHERE job = ? AND at = ? AND status = 'running'`,
      id,
      at,
    )
  }

  /** All inputs have their outcome: complete when one of them has a result, else failed as the first failed. */
  end(id: string, now: number): Job | null {
    return this.#once(() => {
      const job = this.job(id)
      if (job === null || job.done + job.failed < job.total) return job
      const first = this.outcomes(id).find(({ failure }) => failure !== null)?.failure ?? null
      const [status, failure] = job.done > 0 ? ['complete', null] : ['failed', JSON.stringify(first)]
      this.#run(
        `UPDATE jobs SET status = ?, finished = ?, failure = ? WHERE id = ? AND status IN ${open}`,
        status,
        now,
        failure,
        id,
      )
      return this.job(id)
    })
  }

  /** Undefined for an unknown job; one that has ended stays as it is. */
  cancel(id: string, now: number): { readonly job: Job; readonly cancelled: boolean } | null {
    return this.#once(() => {
      const cancelled =
        this.#run(`UPDATE jobs SET status = 'cancelled', finished = ? WHERE id = ? AND status IN ${open}`, now, id) > 0
      if (cancelled)
        this.#run(
          `UPDATE items SET status = 'cancelled', text = NULL, bytes = NULL, size = 0 WHERE job = ? AND status IN ${open}`,
          id,
        )
      const job = this.job(id)
      return job === null ? null : { job, cancelled }
    })
  }

  /** Forgets ended jobs that are too old or too many, the oldest first. How many. */
  prune({ maxKept, maxAgeMs, maxBytes }: JobLimits, now: number): number {
    return this.#once(() => {
      let forgotten = this.#run(`DELETE FROM jobs WHERE status NOT IN ${open} AND finished < ?`, now - maxAgeMs)
      forgotten += this.#run(
        `DELETE FROM jobs WHERE seq IN (SELECT seq FROM jobs WHERE status NOT IN ${open} ORDER BY finished DESC, seq DESC LIMIT -1 OFFSET ?)`,
        maxKept,
      )
      while (this.#bytes() > maxBytes && this.#forgetOldest()) forgotten++
      return forgotten
    })
  }

  close(): void {
    this.#database.close()
  }

  #expectRoom({ inputs }: NewJob, { maxWaiting, maxBytes }: JobLimits): void {
    const waiting =
      this.#get<{ count: number }>(`SELECT count(*) AS count FROM jobs WHERE status IN ${open}`)?.count ?? 0
    if (waiting >= maxWaiting)
      throw new EngineError('busy', `Expected at most ${maxWaiting} jobs to wait, and as many do. Try again later`)
    const bytes = inputs.reduce((sum, input) => sum + sizeOf(input), 0)
    while (this.#bytes() + bytes > maxBytes)
      if (!this.#forgetOldest())
        throw new EngineError('busy', `Expected at most ${maxBytes} bytes of jobs, and as many wait. Try again later`)
  }

  #forgetOldest(): boolean {
    return (
      this.#run(
        `DELETE FROM jobs WHERE seq = (SELECT seq FROM jobs WHERE status NOT IN ${open} ORDER BY finished, seq LIMIT 1)`,
      ) > 0
    )
  }

  #bytes(): number {
    return this.#get<{ bytes: number }>('SELECT coalesce(sum(size), 0) AS bytes FROM items')?.bytes ?? 0
  }

  #addItem(id: string, at: number, input: JobInput): void {
    const [text, bytes] = 'text' in input ? [input.text, null] : [null, input.bytes]
    this.#run(
      `INSERT INTO items (job, at, text, bytes, status, size) VALUES (?, ?, ?, ?, 'queued', ?)`,
      ...[id, at, text, bytes, sizeOf(input)],
    )
  }

  #expect(id: string): Job {
    const job = this.job(id)
    if (job === null) throw new Error(`Expected the job ${id} that was just added`)
    return job
  }

  #once<T>(work: () => T): T {
    return this.#database.transaction(work).immediate()
  }

  #run(sql: string, ...values: unknown[]): number {
    return this.#database.prepare(sql).run(...values).changes
  }

  #get<T>(sql: string, ...values: unknown[]): T | undefined {
    return this.#database.prepare(sql).get(...values) as T | undefined
  }

  #all<T>(sql: string, ...values: unknown[]): T[] {
    return this.#database.prepare(sql).all(...values) as T[]
  }
}

function sizeOf(input: JobInput): number {
  return 'text' in input ? Buffer.byteLength(input.text) : input.bytes.length
}
