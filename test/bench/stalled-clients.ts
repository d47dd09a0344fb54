import { quantile } from './figures.ts'
import { ageOf } from './publishers.ts'
import { numberIn, RawClient } from './raw-client.ts'

/** Older than this when it is read, a message is stale. */
const staleMs = 100

/** Subscribers in a process of their own; the first `stalled` of them read nothing while they stall. */
export interface StalledOrder {
  readonly port: number
  readonly path: string
  readonly clients: number
  readonly stalled: number
  readonly acknowledge: boolean
}

/** `idle` counts nothing; `calm` and `stall` take the ages that the others see; `wake` counts what is stale. */
export type Phase = 'idle' | 'calm' | 'stall' | 'wake'

/** What they saw. */
export interface StalledFigures {
  /** Stale messages per stalled subscriber and waking. */
  readonly stale: number
  /** 99th percentiles of the others' ages, in ms. */
  readonly calm: number
  readonly stall: number
}

let phase: Phase = 'idle'
let stale = 0
let wakings = 0
const ages: { calm: number[]; stall: number[] } = { calm: [], stall: [] }
const sleepers: RawClient[] = []

process.on('message', (message: { open?: StalledOrder; phase?: Phase }) => {
  if (message.open) void open(message.open).then(() => process.send?.({ open: true }))
  if (message.phase) {
    enter(message.phase)
    process.send?.({ figures: figures() })
  }
})
process.on('disconnect', () => process.exit(0))

async function open({ port, path, clients, stalled, acknowledge }: StalledOrder): Promise<void> {
  const answer = (messages: readonly Buffer[], client: RawClient) => {
    if (acknowledge) client.acknowledge(messages.at(-1)!)
  }
  const takeOther = (messages: readonly Buffer[], client: RawClient) => {
    if (phase === 'calm' || phase === 'stall') ages[phase].push(...messages.map(age))
    answer(messages, client)
  }
  const takeSleeper = (messages: readonly Buffer[], client: RawClient) => {
    if (phase === 'wake') stale += messages.map(age).filter((one) => one > staleMs).length
    answer(messages, client)
  }
  for (let i = 0; i < clients; i++) {
    const client = await RawClient.open({ port, path }, i < stalled ? takeSleeper : takeOther)
    if (i < stalled) sleepers.push(client)
  }
}

function enter(next: Phase): void {
  phase = next
  if (next === 'stall') for (const sleeper of sleepers) sleeper.pause()
  if (next !== 'wake') return
  wakings += sleepers.length
  for (const sleeper of sleepers) sleeper.resume()
}

function figures(): StalledFigures {
  return { stale: stale / wakings, calm: quantile(ages.calm, 0.99), stall: quantile(ages.stall, 0.99) }
}

function age(message: Buffer): number {
  return ageOf(numberIn(message, 'capturedAt'))
}
