import { parentPort, workerData } from 'node:worker_threads'
import { EngineError, messageOf } from '../errors.ts'
import { JobDatabase } from './job-database.ts'
import type { StoreAnswer, StoreCall } from './job-store.ts'

// What runs in the thread of the jobs' database: calls come in order and are answered in order.
const port = parentPort
if (port === null) throw new Error('Expected to be started as a worker thread')
const database = new JobDatabase(String(workerData))

port.on('message', ({ id, method, values }: StoreCall) => {
  try {
    const call = database[method] as (...values: unknown[]) => unknown
    const result = call.apply(database, [...values])
    port.postMessage({ id, result } satisfies StoreAnswer, buffersOf(result))
  } catch (error) {
    port.postMessage({ id, error: describe(error) } satisfies StoreAnswer)
  }
  if (method === 'close') port.close()
})
port.postMessage({ id: 0, result: null } satisfies StoreAnswer)

/** Bytes of an input go over to the engine's thread. */
function buffersOf(result: unknown): ArrayBuffer[] {
  const bytes = (result as { readonly input?: { readonly bytes?: Uint8Array } } | null)?.input?.bytes
  return bytes?.buffer instanceof ArrayBuffer && bytes.buffer.byteLength === bytes.byteLength ? [bytes.buffer] : []
}

/** A full disk and the like are no bugs. */
function describe(error: unknown): NonNullable<StoreAnswer['error']> {
  if (error instanceof EngineError) return { code: error.code, message: error.message }
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (/^SQLITE_(FULL|IOERR|READONLY|BUSY|CANTOPEN|NOMEM)/.test(code))
    return { code: 'unavailable', message: `The jobs' database cannot be written (${code}). Try again later` }
  return { code: 'internal', message: messageOf(error) }
}
