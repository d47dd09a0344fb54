import { parentPort, type Worker } from 'node:worker_threads'
import type { Port } from './channel.ts'
import type { Message } from './protocol.ts'

/** A host's main thread's end of the pipe to one of its worker threads. Closes when the thread has ended. */
export function workerPort(worker: Worker): Port {
  return {
    send: (message) => worker.postMessage(message),
    onMessage: (listener) => void worker.on('message', listener as (message: Message) => void),
    onClose: (listener) => void worker.once('exit', listener),
  }
}

/** A worker thread's end of the pipe to its host's main thread. Throws outside of a worker thread. */
export function mainPort(): Port {
  const port = parentPort
  if (!port) throw new Error('Expected to run in a worker thread of a host')
  return {
    send: (message) => port.postMessage(message),
    onMessage: (listener) => void port.on('message', listener as (message: Message) => void),
    onClose: (listener) => void port.on('close', listener),
  }
}
