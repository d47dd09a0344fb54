import { maxBufferedBytes } from '../../engine/streams/subscriber.ts'
import { Child } from './child.ts'
import {
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
/** Packets per turn of the event loop: a saturated publisher. */
const burst = 4
/** A paced publisher: 200 clients × 100 a second, well below what either server can do. */
const pacedMs = 10
const credits = 2
const content = results(10)

/**
 * 200 subscribers of 1 KB results: the engine's server against `ws` that keeps the same promises. Messages per second where
 * nothing holds the publisher back; with credits, where each message is acknowledged and the clients' own work would be
 * the limit, the server's CPU time per message at a steady load.
 */
export default async function bench(): Promise<BenchRow[]> {
  const peer = () => startWs(content, sendUnlessBuffered(maxBufferedBytes))
  const plain: Trial = { peer, saturated: true, query: '', clients }
  const windowed: Trial = {
    peer: () => startWs(content, sendByCredits(credits)),
    saturated: false,
    query: `?credits=${credits}`,
    clients,
  }
  const bare: Trial = { ...plain, peer: () => startBare(content) }
  const toWs = { peerName: 'ws 8', goal: 3 }
  const toBare = { peerName: 'bare uWebSockets.js', goal: 0.9 }
  return [
    await compare(plain, { name: `fan-out ${clients} × 1 KB`, ...toWs }),
    await compare(windowed, { name: `fan-out ${clients} × 1 KB, ${credits} credits`, ...toWs, goal: 2 }),
    await compare({ ...plain, clients: many }, { name: `fan-out ${many} × 1 KB`, ...toWs }),
    await compare(bare, { name: `fan-out ${clients} × 1 KB`, ...toBare }),
    await compare({ ...bare, clients: many }, { name: `fan-out ${many} × 1 KB`, ...toBare }),
  ]
}

interface Trial {
  readonly peer: () => Promise<Publisher>
  readonly saturated: boolean
  readonly query: string
  readonly clients: number
}

/** Runs that alternate. */
async function compare(trial: Trial, row: Pick<Comparison, 'name' | 'peerName' | 'goal'>): Promise<BenchRow> {
  const ours: number[] = []
  const peer: number[] = []
  for (let round = 0; round < rounds; round++) {
    ours.push(await measure(await startOurs(content), trial))
    peer.push(await measure(await trial.peer(), trial))
  }
  const what = trial.saturated
    ? ({ unit: 'messages/s', better: 'more' } as const)
    : ({ unit: 'µs CPU/message', better: 'less' } as const)
  return toRow({ ...row, ...what, ours, peer })
}

/** Saturated: messages per second that the clients received; else µs of this process's CPU per message. Closes the publisher. */
async function measure(publisher: Publisher, { saturated, query, clients }: Trial): Promise<number> {
  await using _ = publisher
  await using child = new Child('fan-out-clients')
  const path = topicPath + query
  const order = { port: publisher.port, path, clients, acknowledge: !saturated, warmUpMs, measureMs }
  await child.ask(order, 'ready')
  const stop = saturated ? publishAlways(publisher) : publishSteadily(publisher)
  try {
    await child.hear('started')
    const before = process.cpuUsage()
    const messages = await child.hear<number>('messages')
    const { user, system } = process.cpuUsage(before)
    return saturated ? messages / (measureMs / 1000) : (user + system) / messages
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

function publishSteadily(publisher: Publisher): () => void {
  const timer = setInterval(() => publisher.publish(), pacedMs)
  return () => clearInterval(timer)
}
