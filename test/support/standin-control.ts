import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const answerMs = 5000

/** The socket of the simulated device that this engine started. */
export function standinSocket(enginePid: number): string {
  return join(tmpdir(), `hailstream-standin-${enginePid}-1`)
}

/** Tells a simulated device what to do, as `addon/test/hailort/README.md` lists it, and gives its answer. Fails when it refuses. */
export function commandStandin(
  socket: string,
  command: { readonly control: string } & Readonly<Record<string, unknown>>,
) {
  return new Promise<Record<string, unknown>>((resolve, reject) => {
    const connection = createConnection(socket)
    let told = ''
    connection.setTimeout(answerMs, () => connection.destroy(new Error(`Expected an answer to ${command.control}`)))
    connection.on('error', reject)
    connection.on('data', (chunk) => {
      told += chunk
      if (told.includes('\n')) connection.end()
    })
    connection.on('close', () => {
      // A device that dies by the command answers nothing.
      const answer = told === '' ? { ok: true } : (JSON.parse(told.split('\n')[0] ?? '') as Record<string, unknown>)
      if (answer.ok === true) resolve(answer)
      else reject(new Error(`Expected ${JSON.stringify(command)} to be taken, received ${told}`))
    })
    connection.write(`${JSON.stringify(command)}\n`)
  })
}
