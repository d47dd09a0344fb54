import { parentPort, workerData } from 'node:worker_threads'
import { EngineError, messageOf } from '../errors.ts'
import { JobDatabase } from './job-database.ts'
import type { StoreAnswer, StoreCall } from './job-store.ts'

// What runs in the thread of the jobs' database: calls come in order and are answered in order.
const port = parentPort
if (port === null) throw new Error('Expected to be started as a worker thread')

try {
  serve(new JobDatabase(String(workerData)))
  port.postMessage({ id: 0, result: null } satisfies StoreAnswer)
} catch (error) {
  // Not thrown: the other thread would not get to know which error of SQLite it was.
  port.postMessage({ id: 0, error: describe(error) } satisfies StoreAnswer)
  port.close()
}

function serve(database: JobDatabase): void {
  port?.on('message', ({ id, method, values }: StoreCall) => {
    try {
      const call = database[method] as (...values: unknown[]) => unknown
      const result = call.apply(database, [...values])
      port?.postMessage({ id, result } satisfies StoreAnswer, buffersOf(result))
    } catch (error) {
      port?.postMessage({ id, error: describe(error) } satisfies StoreAnswer)
    }
    if (method === 'close') port?.close()
  })
}

/** Bytes of an input go over to the engine's thread. */
function buffersOf(result: unknown): ArrayBuffer[] {
  const bytes = (result as { readonly input?: { readonly bytes?: Uint8Array } } | null)?.input?.bytes
  return bytes?.buffer instanceof ArrayBuffer && bytes.buffer.byteLength === bytes.byteLength ? [bytes.buffer] : []
}

/** A full disk and the like are no bugs; `conflict`: the file is no database any more. */
function describe(error: unknown): NonNullable<StoreAnswer['error']> {
  if (error instanceof EngineError) return { code: error.code, message: error.message }
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (/^SQLITE_(NOTADB|CORRUPT)/.test(code)) return { code: 'conflict', message: messageOf(error) }
  if (code === 'SQLITE_BUSY')
    return { code: 'unavailable', message: 'Another engine has the jobs of this state folder' }
  if (/^SQLITE_(FULL|IOERR|READONLY|CANTOPEN|NOMEM)/.test(code))
    return { code: 'unavailable', message: `The jobs' database cannot be used (${code}). Try again later` }
  return { code: 'internal', message: messageOf(error) }
}
