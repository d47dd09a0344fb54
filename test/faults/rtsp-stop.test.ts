import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { captureHosts, type RtspScene, startRtspScene } from '../support/rtsp-scene.ts'
import { hasRtspServer, type RtspServer, startRtspServer } from '../support/rtsp-server.ts'
import { until } from '../support/wait.ts'

/** How long a stop may take at any moment, in ms: a host that does not leave within 2 s is killed. */
const stopMs = 3000

/** A moment in the life of a camera: its address, how the moment is waited for, and how its server ends. */
interface Moment {
  readonly url: string
  reach(scene: RtspScene): Promise<unknown>
  close(): unknown
}

type Reach = Moment['reach']
const told =
  (state: string): Reach =>
  (scene) =>
    until(state, () => scene.told.at(-1)?.state === state, 20_000)
const refused: Reach = (scene) =>
  until('a refusal', async () => (await scene.streams()).camera.error?.includes('ECONNREFUSED'))
const bothHosts: Reach = () => until('both hosts', () => captureHosts().length === 2)

type Fault = (server: RtspServer) => unknown
const freeze: Fault = (server) => server.freeze()
const kill: Fault = (server) => server.kill()

/** A real server to which something happens, or nothing, before the engine starts. */
async function early(fault: Fault | undefined, reach: Reach): Promise<Moment> {
  const server = await startRtspServer()
  await fault?.(server)
  return { url: server.url, reach, close: () => server.kill() }
}

/** A real server to which something happens when its pictures come. */
async function live(fault: Fault, reach: Reach): Promise<Moment> {
  const server = await startRtspServer()
  const faultThenReach: Reach = async (scene) => {
    await until('pictures', () => scene.pictures.length > 5, 30_000)
    await fault(server)
    await reach(scene)
  }
  return { url: server.url, reach: faultThenReach, close: () => server.kill() }
}

/** A server that says what it can do, and then nothing: the capture host waits for the description. */
async function mute(): Promise<Moment> {
  const sockets = new Set<Socket>()
  let asked = false
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined))
    socket.on('data', (bytes) => {
      const request = bytes.toString()
      asked ||= request.startsWith('DESCRIBE')
      if (request.startsWith('OPTIONS')) socket.write(`RTSP/1.0 200 OK\r\n${/^CSeq.*$/im.exec(request)}\r\n\r\n`)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = () => {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  const { port } = server.address() as AddressInfo
  const reach = () => until('the request', () => asked)
  return { url: `rtsp://127.0.0.1:${port}/live`, reach, close }
}

const moments: readonly [string, () => Promise<Moment>][] = [
  ['its capture host starts', () => early(undefined, bothHosts)],
  ['its server is frozen from the start', () => early(freeze, told('opening'))],
  ['its capture host waits for an answer', mute],
  ['it is stalled', () => live(freeze, told('stalled'))],
  ['its frozen server is asked again', () => live(freeze, told('restarting'))],
  ['its dead server is asked again', () => live(kill, refused)],
]

describe.skipIf(!hasRtspServer)('a stop while a camera is watched', () => {
  let close: Moment['close'] = () => undefined
  afterEach(() => close())
  const start = async (begin: () => Promise<Moment>) => {
    const moment = await begin()
    close = moment.close
    const scene = await startRtspScene(moment.url)
    await moment.reach(scene)
    await scene.streams()
    return scene
  }

  it.each(moments)('ends its capture host when its last viewer leaves while %s', async (_, begin) => {
    await using scene = await start(begin)
    const leftAt = performance.now()
    scene.leave()
    const idle = await until('idle', () => scene.told.find(({ at, state }) => at > leftAt && state === 'idle'))
    await until("only the neighbour's host", () => captureHosts().length === 1)
    expect(performance.now() - leftAt).toBeLessThan(stopMs)
    expect(idle.at - leftAt).toBeLessThan(stopMs)
    expect((await scene.streams()).camera.state).toBe('idle')
  })

  it.each(moments)('ends the engine and all hosts while %s', async (_, begin) => {
    await using scene = await start(begin)
    const stoppedAt = performance.now()
    await scene.stop()
    expect(performance.now() - stoppedAt).toBeLessThan(stopMs)
    expect(captureHosts()).toEqual([])
  })
})
