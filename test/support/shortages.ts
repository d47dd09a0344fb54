import { Agent, get } from 'node:http'
import type { Health } from '../../engine/routes/health.ts'
import type { LimitedEngine } from './limited-engine.ts'

/** A live source whose frames are cheap. */
const source = { source: 'test', pattern: 'ball', size: '320x240', rate: 10, linger: 0 }
/** Two streams of a source each; a test lets one run, and wants the other when something is short. */
export const pipeline = { name: 'p', streams: { camera: source, other: source }, publish: ['camera', 'other'] }

/** Names of the problems. */
export const namesOf = ({ problems }: Health) => problems.map(({ name }) => name)
/** How one stream of the pipeline is. */
export const streamOf = ({ pipelines }: Health, name: string) =>
  pipelines[0]?.streams.find((stream) => stream.name === name)

/** Asks for health over one connection that stays: it needs no new descriptor. */
export function keepAlive(url: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const health = () =>
    new Promise<Health>((resolve, reject) => {
      get(`${url}/api/health`, { agent }, async (response) => {
        let text = ''
        for await (const chunk of response) text += chunk
        resolve(JSON.parse(text))
      }).on('error', reject)
    })
  return { health, close: () => agent.destroy() }
}

/** What the log told of the problem, in order. */
export function toldOf(log: LimitedEngine['log'], name: string): string[] {
  return log.filter(({ problem }) => problem === name).map(({ msg }) => msg)
}
