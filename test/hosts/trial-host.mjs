// A host for the tests: it answers, waits, blocks, prints and dies on request.
import { serve } from '../../dist/engine/hosts/channel.js'
import { enterHost } from '../../dist/engine/hosts/enter.js'

const pool = enterHost(process.env.TRIAL_STAYS ? () => undefined : undefined)
if (process.env.TRIAL_DIES) process.exit(7)
if (process.env.TRIAL_BLOCKS) for (;;);

const fillAll = (slots, bytes) => {
  for (const slot of slots) pool.write(slot, bytes, 0)
}
const desert = () =>
  new Promise((resolve) => {
    process.once('disconnect', resolve)
    process.disconnect()
  })
const engine = serve({
  calls: {
    echo: (value) => value,
    wait: () => new Promise(() => undefined),
    block: () => {
      for (;;);
    },
    die: ({ status }) => process.exit(status),
    fill: ({ slot, value }) => {
      pool.write(slot, Buffer.alloc(16, value), 0)
      return {}
    },
    // Writes into its slots for ever, and hears nobody meanwhile.
    scribble: async ({ slots, bytes, value, deserts }) => {
      if (deserts) await desert()
      const noise = Buffer.alloc(bytes, value)
      for (;;) fillAll(slots, noise)
    },
    print: ({ lines }) => {
      for (let i = 0; i < lines; i++) console.error(`line ${i}`)
      return {}
    },
    describe: () => ({ env: process.env, pid: process.pid }),
  },
  streams: {
    async *count(to) {
      for (let i = 0; i < to; i++) yield i
    },
  },
  events: { hello: (text) => engine.tell('news', `${text} from ${process.pid}`) },
})
