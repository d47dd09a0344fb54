import { setTimeout as wait } from 'node:timers/promises'
import { RawClient } from './raw-client.ts'

/** Subscribers of the fan-out benchmark, in a process of their own: they count, and acknowledge when they were told to. */
export interface FanOutOrder {
  readonly port: number
  readonly path: string
  readonly clients: number
  readonly acknowledge: boolean
  readonly warmUpMs: number
  readonly measureMs: number
}

process.on('message', (order: FanOutOrder) => {
  run(order).then(
    (messages) => process.send?.({ messages }),
    (error: unknown) => process.send?.({ error: String(error) }),
  )
})
process.on('disconnect', () => process.exit(0))

/** Messages that all clients together received in the time measured. */
async function run({ port, path, clients, acknowledge, warmUpMs, measureMs }: FanOutOrder): Promise<number> {
  let count = 0
  const take = (messages: readonly Buffer[], client: RawClient) => {
    count += messages.length
    if (acknowledge) client.acknowledge(messages.at(-1)!)
  }
  const open = await Promise.all(Array.from({ length: clients }, () => RawClient.open({ port, path }, take)))
  process.send?.({ ready: true })
  await wait(warmUpMs)
  process.send?.({ started: true })
  const before = count
  await wait(measureMs)
  const received = count - before
  for (const client of open) client.close()
  return received
}
