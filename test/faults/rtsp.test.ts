import { setInterval as every } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { captureHosts, type RtspScene, startRtspScene } from '../support/rtsp-scene.ts'
import { hasRtspServer, type RtspServer, startRtspServer } from '../support/rtsp-server.ts'
import { until } from '../support/wait.ts'

/** How long the server is away in the test of an outage; an installation must live through 900. */
const outageSeconds = Number(process.env.HAILSTREAM_OUTAGE_SECONDS ?? 15)
/** Bounds of a source that breaks, in ms: until its state is right, and until pictures come after its server has come back. */
const stateMs = 2000
const returnMs = 3000
/** The neighbour's rate is measured for at least so long, in ms: a frame more or less is then far within its 2 %. */
const countMs = 10_000
const neighbourRate = 30
/** Its rate and the bounds are those of a machine that has a core to spare: one that has not for a moment is given another chance. */
const retry = outageSeconds > 60 ? 0 : 2
/** So long the same picture must come until it is frozen: a quiet scene repeats itself for less. */
const frozenMs = 5000

const now = () => performance.now()
const servers: RtspServer[] = []

/** A scene whose camera is live, with its server. */
async function startLive() {
  const server = await startRtspServer()
  servers.push(server)
  const scene = await startRtspScene(server.url)
  await until('pictures', () => scene.pictures.length >= 15, 30_000)
  return { server, scene }
}

/** Runs a fault and what comes after it, and holds the neighbour to its rate all the while. */
async function besideNeighbour(scene: RtspScene, run: () => Promise<void>): Promise<void> {
  const startedAt = now()
  await run()
  await until('the counting to be long enough', () => now() - startedAt >= countMs, countMs)
  const rate = await scene.besideSince(startedAt)
  expect(Math.abs(rate - neighbourRate) / neighbourRate, `${rate} packets per second`).toBeLessThan(0.02)
}

/** Looks at the camera once a second until the time is over. */
async function watchFor(scene: RtspScene, ms: number, look: (camera: Camera) => void): Promise<void> {
  const end = now() + ms
  for await (const _ of every(1000)) {
    look((await scene.streams()).camera)
    if (now() > end) return
  }
}
type Camera = Awaited<ReturnType<RtspScene['streams']>>['camera']

afterEach(async () => {
  for (const server of servers.splice(0)) await server.kill()
  await until('no capture host', () => captureHosts().length === 0)
})

describe.skipIf(!hasRtspServer)('a camera whose RTSP server', { retry }, () => {
  it(
    `dies and is away for ${outageSeconds} s is restarting, and gives pictures soon after, at the size that they have then`,
    async () => {
      const { server, scene } = await startLive()
      await using _ = scene
      await besideNeighbour(scene, async () => {
        const diedAt = now()
        await server.kill()
        expect(await scene.saysEverywhere('restarting', diedAt)).toBeLessThan(stateMs)
        await watchFor(scene, outageSeconds * 1000, ({ state }) => {
          expect(state).toBe('restarting')
          expect(captureHosts()).toHaveLength(1)
        })
        const { camera } = await scene.streams()
        expect(camera.error).toContain('ECONNREFUSED')
        expect(camera.restarts).toBeGreaterThanOrEqual(Math.floor(outageSeconds / 2.5))
        servers.push(await startRtspServer(server.port, ['size 640x480']))
        const backAt = now()
        expect(await scene.pictureAfter(backAt)).toBeLessThan(returnMs)
        await scene.saysEverywhere('live', backAt)
        expect(scene.pictures.at(-1)?.size).toBe('640x480')
      })
    },
    (outageSeconds + 60) * 1000,
  )

  it.each([
    ['2.5 s is stalled, and goes on with its connection', 2500],
    ['8 s is stalled, then restarting, and gives pictures soon after', 8000],
  ])('freezes for %s', async (_, awayMs) => {
    const { server, scene } = await startLive()
    await using __ = scene
    await besideNeighbour(scene, async () => {
      const frozenAt = now()
      server.freeze()
      expect(await scene.saysEverywhere('stalled', frozenAt)).toBeLessThan(stateMs)
      await until('the time to go on', () => now() - frozenAt > awayMs)
      const connected = awayMs < returnMs
      expect((await scene.streams()).camera).toMatchObject({ state: connected ? 'stalled' : 'restarting' })
      const thawedAt = now()
      server.thaw()
      expect(await scene.pictureAfter(thawedAt)).toBeLessThan(returnMs)
      await scene.saysEverywhere('live', thawedAt)
      if (connected) expect((await scene.streams()).camera.restarts).toBe(0)
    })
  })

  it('slows down to 2 pictures a second stays live, and tells the true rate', async () => {
    const { server, scene } = await startLive()
    await using _ = scene
    await besideNeighbour(scene, async () => {
      server.tell('rate 2')
      await watchFor(scene, stateMs, ({ state }) => expect(state).toBe('live'))
      await watchFor(scene, 6000, ({ state, fps }) => {
        expect(state).toBe('live')
        expect(fps).toBeGreaterThan(1)
        expect(fps).toBeLessThan(3)
      })
      server.tell('rate 15')
      await watchFor(scene, stateMs, ({ state }) => expect(state).toBe('live'))
      expect((await scene.streams()).camera.fps).toBeGreaterThan(10)
      expect(scene.told.map(({ state }) => state)).toEqual(['idle', 'opening', 'live'])
    })
  })

  it('changes the size goes on with the new one, which its messages tell', async () => {
    const { server, scene } = await startLive()
    await using _ = scene
    await besideNeighbour(scene, async () => {
      for (const size of ['640x480', '1280x720', '176x144', '320x240']) {
        server.tell(`size ${size}`)
        const askedAt = now()
        const first = await until(`pictures of ${size}`, () =>
          scene.pictures.find((one) => one.at > askedAt && one.size === size),
        )
        expect(first.at - askedAt).toBeLessThan(returnMs)
        await until(
          'more of them',
          () => scene.pictures.filter((one) => one.at > askedAt && one.size === size).length > 10,
        )
      }
      expect((await scene.streams()).camera).toMatchObject({ state: 'live', restarts: 0 })
    })
  })

  it('gives the same picture again and again is live and frozen, until it moves', async () => {
    const { server, scene } = await startLive()
    await using _ = scene
    await besideNeighbour(scene, async () => {
      server.tell('pattern smpte75')
      const stillAt = now()
      await until('frozen', () => scene.told.at(-1)?.frozen === true)
      expect(now() - stillAt).toBeLessThan(frozenMs + stateMs)
      expect((await scene.streams()).camera).toMatchObject({ state: 'live', frozen: true })
      server.tell('pattern ball')
      const movesAt = now()
      await until('a picture that moves', () => scene.told.at(-1)?.frozen === false)
      expect(now() - movesAt).toBeLessThan(stateMs)
    })
  })
})
