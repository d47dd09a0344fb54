import { WebSocket } from 'ws'

/**
 * The subscriber of the freshness benchmark, in a process of its own. Argument: the topic's address. Tells its parent, per
 * message, when it came (CLOCK_MONOTONIC nanoseconds, as text) and when its frame was captured (Unix ms).
 */
const socket = new WebSocket(process.argv[2] ?? '')
socket.on('message', (data: Buffer) => {
  const receivedAt = process.hrtime.bigint()
  const { capturedAt } = JSON.parse(data.toString()) as { capturedAt: number }
  process.send?.({ receivedAt: String(receivedAt), capturedAt })
})
process.on('disconnect', () => process.exit(0))
