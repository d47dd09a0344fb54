import { readdirSync } from 'node:fs'
import { setPriority } from 'node:os'
import { getLlama, LlamaLogLevel } from 'node-llama-cpp'

/** What one writes without an engine: the model asked directly, in a process of its own, as its makers show it. */
export interface TokensOrder {
  readonly prompt: string
  readonly tokens: number
  readonly count: number
}

// Arguments: the model's file, threads, niceness. Asked for answers, it tells when each token of each came.
const [file = '', threads = '1', niceness = '0'] = process.argv.slice(2)
const count = Number(threads)
// On Linux it is a thread's: those that are there, and those that they start.
for (const thread of readdirSync('/proc/self/task')) setPriority(Number(thread), Number(niceness))
const llama = await getLlama({
  gpu: false,
  build: 'never',
  skipDownload: true,
  progressLogs: false,
  maxThreads: count,
  logLevel: LlamaLogLevel.error,
})
const model = await llama.loadModel({ modelPath: file, gpuLayers: 0 })
const context = await model.createContext({ contextSize: model.trainContextSize, sequences: 1, threads: count })
const sequence = context.getSequence()

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

/** When each token came, in ms. */
async function answer({ prompt, tokens }: TokensOrder): Promise<number[]> {
  await sequence.clearHistory()
  const arrivals: number[] = []
  let text = ''
  for await (const token of sequence.evaluate(model.tokenize(prompt), { temperature: 0 })) {
    text += model.detokenize([token])
    arrivals.push(performance.now())
    if (arrivals.length === tokens) break
  }
  if (text === '') throw new Error('Expected an answer')
  return arrivals
}
