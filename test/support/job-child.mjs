// A queue of jobs in a process of its own, to be killed: `node job-child.mjs <database> <prompt>…`. Says on its output what it begins and
// ends; each prompt takes as long as its text says in ms.
import { setTimeout as wait } from 'node:timers/promises'
import { JobQueue } from '../../dist/engine/jobs/job-queue.js'
import { JobStore } from '../../dist/engine/jobs/job-store.js'

const [file, ...prompts] = process.argv.slice(2)
const say = (line) => process.stdout.write(`${line}\n`)
const store = await JobStore.open(file, (reason) => say(`broken ${reason}`))
const language = async ({ input }, signal) => {
  say(`begin ${input.text}`)
  await wait(Number(input.text.split(' ')[0]), undefined, { signal })
  return { text: input.text.toUpperCase() }
}
const log = { error: (_fields, text) => say(`error ${text}`), warn: () => undefined }
const onChange = ({ id, status, done }) => say(`change ${id} ${status} ${done}`)
const queue = await JobQueue.start({ store, workers: { language }, log, onChange })
if (prompts.length > 0) {
  const inputs = prompts.map((text) => ({ text }))
  const { id } = await queue.submit({ kind: 'language', request: { sampling: {} }, inputs, batch: true })
  say(`submitted ${id}`)
}
setInterval(() => undefined, 1000)
