import { connect } from 'node:net'
import type { TokensOrder } from './tokens-peer.ts'

// A client of the engine on a bare socket, in a process of its own. Arguments: the engine's port, the model's name. Asked for
// answers, it tells when each token of each came.
const [port = '', model = ''] = process.argv.slice(2)

process.on('message', (order: TokensOrder) => {
  answerAll(order).then(
    (arrivals) => process.send?.({ arrivals }),
    (error: unknown) => process.send?.({ error: String(error) }),
  )
})
process.on('disconnect', () => process.exit(0))
process.send?.({ ready: true })

async function answerAll(order: TokensOrder): Promise<number[][]> {
  const arrivals: number[][] = []
  for (let i = 0; i < order.count; i++) arrivals.push(await answer(order))
  return arrivals
}

/** When each line with a token came, in ms. */
function answer({ prompt, tokens }: TokensOrder): Promise<number[]> {
  return new Promise((resolve, reject) => {
    const arrivals: number[] = []
    let tail = ''
    const socket = connect({ host: '127.0.0.1', port: Number(port), noDelay: true })
    socket.on('error', reject)
    socket.on('data', (bytes) => {
      const now = performance.now()
      const text = tail + bytes.toString('latin1')
      const lines = text.split('\n')
      tail = lines.pop() ?? ''
      for (const line of lines) if (line.includes('"done":false')) arrivals.push(now)
      if (!lines.some((line) => line.includes('"done":true') || line.includes('"error"'))) return
      socket.destroy()
      if (arrivals.length > tokens / 2) resolve(arrivals)
      else reject(new Error(`Expected ${tokens} tokens, received ${arrivals.length}: ${text.slice(-300)}`))
    })
    const options = { temperature: 0, num_predict: tokens }
    const body = JSON.stringify({ model, prompt, raw: true, options })
    const head = `POST /api/generate HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`
    socket.write(`${head}\r\n\r\n${body}`)
  })
}
