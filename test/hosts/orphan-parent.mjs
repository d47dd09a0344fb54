// An engine of the tests that is killed: it starts one host, prints its pid, and waits.
import pino from 'pino'
import { ImagePool } from '../../dist/engine/core/image-pool.js'
import { Host } from '../../dist/engine/hosts/host.js'
import { addon } from '../../dist/engine/native/addon.js'

const [entry, env] = process.argv.slice(2)
const pool = { ledger: new ImagePool({ slots: 8 }), memory: addon().createPool(8, 65_536) }
const log = pino({ level: 'silent' })
const host = new Host({ name: 'orphan', entry, pool, log, restart: true, env: JSON.parse(env ?? '{}') })
await host.start()
console.log(host.pid)
if (process.argv[4] === 'block')
  void host.call('block', {}, { signal: new AbortController().signal, deadlineMs: 60_000 })
