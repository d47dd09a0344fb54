import { readFileSync } from 'node:fs'
import {
  type Content,
  type Publisher,
  pictures,
  results,
  sendNaively,
  sendUnlessBuffered,
  startOurs,
  startWs,
} from './publishers.ts'

/** Servers of the stalled subscriber, as the first argument names them. */
const servers: Readonly<Record<string, (content: Content) => Promise<Publisher>>> = {
  ours: startOurs,
  naive: (content) => startWs(content, sendNaively),
  /** The strictest check: no message while any byte of another waits. */
  checked: (content) => startWs(content, sendUnlessBuffered(0)),
}

/** What they publish, as the second argument names it. */
const contents: Readonly<Record<string, { readonly content: Content; readonly rate: number }>> = {
  results: { content: results(43), rate: 30 },
  pictures: { content: pictures(100_000), rate: 10 },
}

// A server in a process of its own (with --expose-gc), so that its memory is its own. Tells its port; asked anything, its memory.
const [server = '', what = ''] = process.argv.slice(2)
const { content, rate } = contents[what]!
const publisher = await servers[server]!(content)
let published = 0
const startedAt = performance.now()
setInterval(() => {
  // By the clock, so that a timer's milliseconds do not lower the rate.
  for (; published < ((performance.now() - startedAt) * rate) / 1000; published++) publisher.publish()
}, 1)
process.on('message', () => process.send?.({ resident: residentBytes() }))
process.on('disconnect', () => process.exit(0))
process.send?.({ port: publisher.port })

/** What is garbage is no growth. */
function residentBytes(): number {
  globalThis.gc?.()
  globalThis.gc?.()
  return 1024 * Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1])
}
