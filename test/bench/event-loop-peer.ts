import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { openNetwork } from './bare-network.ts'

// What one writes without hosts: a plain HTTP server that runs the same network, in its main thread, one frame after the other.
// Arguments: the network's file, threads. Tells its port; asked for frames, how many it has answered.
const [file = '', threads = '1'] = process.argv.slice(2)
const network = await openNetwork(file, Number(threads))
let frames = 0
const server = createServer((_, response) => {
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ status: 'ok', frames, memory: process.memoryUsage() }))
})
process.on('message', (message: { frames?: boolean }) => {
  if (message.frames) process.send?.({ frames })
})
process.on('disconnect', () => process.exit(0))
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
for (;;) {
  await network.run()
  frames++
  await nextTurn()
}
