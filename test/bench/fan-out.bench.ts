import { maxBufferedBytes } from '../../engine/streams/subscriber.ts'
import { Child } from './child.ts'
import {
  type Content,
  type Publisher,
  results,
  sendByCredits,
  sendUnlessBuffered,
  startBare,
  startOurs,
  startWs,
  topicPath,
} from './publishers.ts'
import { type BenchRow, type Comparison, toRow } from './row.ts'

const clients = 200
const many = 1000
const rounds = 3
const warmUpMs = 400
const measureMs = 1500
/** Packets per turn of the event loop where nothing holds the publisher back. */
const burst = 4
/** With credits most packets are dropped: so many are more than either server can send, and do not cost it all its time to make. */
const flood = { everyMs: 1 }
/** What a busy installation sends. */
const steady = { everyMs: 1000 / 30 }
const credits = 2
const small = results(10)
const large = results(43)

/**
 * Subscribers of results: the engine's server against `ws` that keeps the same promises, and against nothing but
 * uWebSockets.js. Messages per second where the publisher has more than can be sent; the server's CPU time per message at
 * a steady load.
 */
export default async function bench(): Promise<BenchRow[]> {
  const plain: Trial = {
    peer: () => startWs(small, sendUnlessBuffered(maxBufferedBytes)),
    content: small,
    pace: 'always',
    figure: 'rate',
    query: '',
    clients,
  }
  const windowed: Trial = {
    ...plain,
    peer: () => startWs(small, sendByCredits(credits)),
    pace: flood,
    query: `?credits=${credits}`,
  }
  const paced: Trial = {
    ...plain,
    peer: () => startWs(large, sendUnlessBuffered(maxBufferedBytes)),
    content: large,
    pace: steady,
    figure: 'cost',
  }
  const bare: Trial = { ...plain, peer: () => startBare(small) }
  const toWs = { peerName: 'ws 8', goal: 3 }
  const toBare = { peerName: 'bare uWebSockets.js', goal: 0.9 }
  return [
    await compare(plain, { name: `fan-out ${clients} × 1 KB`, ...toWs }),
    await compare({ ...plain, clients: many }, { name: `fan-out ${many} × 1 KB`, ...toWs }),
    await compare(bare, { name: `fan-out ${clients} × 1 KB`, ...toBare }),
    await compare({ ...bare, clients: many }, { name: `fan-out ${many} × 1 KB`, ...toBare }),
    await compare(windowed, { name: `fan-out ${clients} × 1 KB, ${credits} credits`, ...toWs, goal: 2 }),
    await compare(
      { ...windowed, clients: many },
      { name: `fan-out ${many} × 1 KB, ${credits} credits`, ...toWs, goal: 2 },
    ),
    // The clients' process, which acknowledges each message, takes a whole core there: this is what the server itself takes.
    await compare(
      { ...windowed, clients: many, figure: 'cost' },
      { name: `fan-out ${many} × 1 KB, ${credits} credits`, ...toWs, goal: 2 },
    ),
    await compare(paced, { name: `fan-out ${clients} × 30 Hz × 4 KB`, ...toWs, goal: 1 / 0.75 }),
  ]
}

interface Trial {
  readonly peer: () => Promise<Publisher>
  readonly content: Content
  readonly pace: 'always' | { readonly everyMs: number }
  /** Messages that all clients got in a second, or the server's CPU time for each. */
  readonly figure: 'rate' | 'cost'
  /** With credits in it each message is acknowledged. */
  readonly query: string
  readonly clients: number
}

/** Runs that alternate. */
async function compare(trial: Trial, row: Pick<Comparison, 'name' | 'peerName' | 'goal'>): Promise<BenchRow> {
  const ours: number[] = []
  const peer: number[] = []
  for (let round = 0; round < rounds; round++) {
    ours.push(await measure(await startOurs(trial.content), trial))
    peer.push(await measure(await trial.peer(), trial))
  }
  const what =
    trial.figure === 'rate'
      ? ({ unit: 'messages/s', better: 'more' } as const)
      : ({ unit: 'µs CPU/message', better: 'less' } as const)
  return toRow({ ...row, ...what, ours, peer })
}

/** The trial's figure for one publisher, which is closed then. */
async function measure(publisher: Publisher, { pace, figure, query, clients }: Trial): Promise<number> {
  await using _ = publisher
  await using child = new Child('fan-out-clients')
  const path = topicPath + query
  const order = { port: publisher.port, path, clients, acknowledge: query !== '', warmUpMs, measureMs }
  await child.ask(order, 'ready')
  const stop = pace === 'always' ? publishAlways(publisher) : publishEvery(pace.everyMs, publisher)
  try {
    await child.hear('started')
    const before = process.cpuUsage()
    const messages = await child.hear<number>('messages')
    const { user, system } = process.cpuUsage(before)
    return figure === 'rate' ? messages / (measureMs / 1000) : (user + system) / messages
  } finally {
    stop()
  }
}

function publishAlways(publisher: Publisher): () => void {
  let publishing = true
  const turn = () => {
    for (let i = 0; i < burst; i++) publisher.publish()
    if (publishing) setImmediate(turn)
  }
  turn()
  return () => {
    publishing = false
  }
}

function publishEvery(everyMs: number, publisher: Publisher): () => void {
  const timer = setInterval(() => publisher.publish(), everyMs)
  return () => clearInterval(timer)
}
