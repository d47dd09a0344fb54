import { WebSocket } from 'ws'

/** One message as the subscriber had it. */
export interface Receipt {
  /** Nanoseconds of CLOCK_MONOTONIC. */
  readonly receivedAt: bigint
  /** Unix ms, as the message says. */
  readonly capturedAt: number
}

// The subscriber of a benchmark, in a process of its own. Argument: the topic's address. Tells its parent of every message.
const socket = new WebSocket(process.argv[2] ?? '')
socket.on('message', (data: Buffer) => {
  const receivedAt = process.hrtime.bigint()
  const { capturedAt } = JSON.parse(data.toString()) as { capturedAt: number }
  process.send?.({ receivedAt, capturedAt } satisfies Receipt)
})
process.on('disconnect', () => process.exit(0))
