import { describe, expect, it, vi } from 'vitest'
import type { RunningStream } from '../../engine/core/runner.ts'
import { EngineError } from '../../engine/errors.ts'
import { build, camera, lingerMs, logged, play, watch } from '../support/trial-pipeline.ts'

describe('a running stream', () => {
  it('is idle, opening, live, and idle again', () => {
    const pipeline = build('camera: { source: camera }')
    const stream = pipeline.streams.get('camera') as RunningStream
    expect(stream.status()).toEqual({
      name: 'camera',
      state: 'idle',
      fps: 0,
      lastFrameAgeMs: null,
      frozen: false,
      restarts: 0,
      waiting: 0,
      in: 0,
      out: 0,
      dropped: 0,
      failed: 0,
    })
    const { status, leave } = watch(pipeline, 'camera')
    expect(status().state).toBe('opening')
    play(25, 100)
    expect(status()).toMatchObject({ state: 'live', fps: 10, lastFrameAgeMs: 100, in: 25, out: 25 })
    leave()
    expect(status().state).toBe('live')
    vi.advanceTimersByTime(lingerMs)
    expect(status()).toMatchObject({ state: 'idle', fps: 0, lastFrameAgeMs: null, out: 25 })
  })

  it('restarts its source, and its seq goes on', () => {
    const { seqs, status, leave } = watch(build('camera: { source: camera }'), 'camera')
    play(2, 100)
    camera.fail(new EngineError('unavailable', 'the camera is unplugged'))
    expect(status()).toMatchObject({ state: 'restarting', error: 'the camera is unplugged' })
    vi.advanceTimersByTime(0)
    expect(camera.opened).toBe(2)
    camera.send()
    expect(seqs).toEqual([0, 1, 2])
    expect(status().state).toBe('live')
    expect(status().error).toBeUndefined()
    expect(logged.map(([message]) => message)).toEqual(['stream broke off and is opened anew', 'stream is live again'])
    camera.end()
    expect(status()).toMatchObject({ state: 'restarting', error: 'The stream ended' })
    leave()
    vi.advanceTimersByTime(lingerMs)
  })

  it('has failed, and tries on, where trying can hardly help', () => {
    const { status, leave } = watch(build('camera: { source: camera }'), 'camera')
    camera.fail(new EngineError('invalid', 'no such device'))
    expect(status()).toMatchObject({ state: 'failed', error: 'no such device' })
    vi.advanceTimersByTime(1999)
    expect(camera.opened).toBe(1)
    vi.advanceTimersByTime(1)
    expect(camera.opened).toBe(2)
    leave()
    vi.advanceTimersByTime(lingerMs)
  })

  it('is stalled within 2 s when its packets stop, and opened anew only after 3 s', () => {
    const { status, leave, seqs } = watch(build('camera: { source: camera }'), 'camera')
    play(30, 100)
    vi.advanceTimersByTime(1399)
    expect(status()).toMatchObject({ state: 'live', restarts: 0 })
    vi.advanceTimersByTime(501)
    expect(status()).toMatchObject({ state: 'stalled', restarts: 0, fps: 0 })
    expect(status().error).toMatch(/Expected a packet within 1500 ms, received none for 1[567]\d\d ms/)
    vi.advanceTimersByTime(999)
    expect(camera).toMatchObject({ opened: 1, closed: 0 })
    vi.advanceTimersByTime(501)
    expect(camera).toMatchObject({ opened: 2, closed: 1 })
    expect(status()).toMatchObject({ state: 'restarting', restarts: 1 })
    expect(status().error).toMatch(/Expected a packet within 3000 ms, received none for/)
    camera.send()
    expect(status().state).toBe('live')
    expect(seqs.at(-1)).toBe(30)
    leave()
    vi.advanceTimersByTime(lingerMs)
  })

  it('keeps the connection of a source that is silent for less than 3 s', () => {
    const { status, leave } = watch(build('camera: { source: camera }'), 'camera')
    play(30, 100)
    vi.advanceTimersByTime(2800)
    expect(status().state).toBe('stalled')
    camera.send()
    expect(status()).toMatchObject({ state: 'live', restarts: 0 })
    expect(status().error).toBeUndefined()
    expect(logged.map(([message]) => message)).toEqual(['stream is silent', 'stream is live again'])
    leave()
    vi.advanceTimersByTime(lingerMs)
  })

  it('is stalled within 2 s of its first packet when no second one comes, and waits for that on its connection', () => {
    const { status, leave } = watch(build('camera: { source: camera }'), 'camera')
    camera.send()
    vi.advanceTimersByTime(2000)
    expect(status().state).toBe('stalled')
    vi.advanceTimersByTime(12_000)
    expect(camera.opened).toBe(1)
    camera.send()
    expect(status().state).toBe('live')
    leave()
    vi.advanceTimersByTime(lingerMs)
  })

  it('stays live when it slows down from 15 to 2 packets a second, and tells the true rate', () => {
    const pipeline = build('camera: { source: camera }')
    const told: string[] = []
    pipeline.streams.get('camera')?.changes.subscribe(({ state }) => told.push(state))
    const { status, leave } = watch(pipeline, 'camera')
    play(150, 1000 / 15)
    expect(status().fps).toBeCloseTo(15, 0)
    play(60, 500)
    expect(status().fps).toBe(2)
    vi.advanceTimersByTime(2000)
    expect(told).toEqual(['idle', 'opening', 'live', 'stalled'])
    leave()
    vi.advanceTimersByTime(lingerMs)
  })

  it('is tried every 2 s for as long as its source is away, at no growing cost', () => {
    const { status, leave } = watch(build('camera: { source: camera }'), 'camera')
    play(150, 100)
    camera.fail(new EngineError('unavailable', 'the network is down'))
    vi.advanceTimersByTime(10_000)
    const timers = vi.getTimerCount()
    let lastOpened = camera.opened
    let secondsSince = 0
    for (let seconds = 0; seconds < 20 * 60; seconds++) {
      camera.fail(new EngineError('unavailable', 'the network is down'))
      expect([timers, timers - 1]).toContain(vi.getTimerCount())
      vi.advanceTimersByTime(1000)
      secondsSince = camera.opened > lastOpened ? 0 : secondsSince + 1
      expect(secondsSince).toBeLessThan(2)
      lastOpened = camera.opened
      expect(status().state).toBe('restarting')
      expect(camera.opened - camera.closed).toBeLessThanOrEqual(1)
    }
    vi.advanceTimersByTime(2000)
    camera.send()
    expect(status()).toMatchObject({ state: 'live', in: 151, out: 151 })
    leave()
    vi.advanceTimersByTime(lingerMs)
  })

  it('is patient with a source whose packets are far apart', () => {
    const { leave } = watch(build('camera: { source: camera }'), 'camera')
    play(5, 3000)
    vi.advanceTimersByTime(11_000)
    expect(camera.opened).toBe(1)
    vi.advanceTimersByTime(5000)
    expect(camera.opened).toBe(2)
    leave()
    vi.advanceTimersByTime(lingerMs)
  })

  it('is opened anew when no first packet comes', () => {
    const { leave } = watch(build('camera: { source: camera }'), 'camera')
    vi.advanceTimersByTime(14_000)
    expect(camera.opened).toBe(1)
    vi.advanceTimersByTime(2000)
    expect(camera.opened).toBe(2)
    leave()
    vi.advanceTimersByTime(lingerMs)
  })

  it('tells each change of its state, the present one first, without being opened by that', () => {
    const pipeline = build('camera: { source: camera }')
    const told: string[] = []
    const listening = pipeline.streams.get('camera')?.changes.subscribe(({ state, frozen }) => {
      told.push(frozen ? 'frozen' : state)
    })
    expect([told, camera.opened]).toEqual([['idle'], 0])
    const { leave } = watch(pipeline, 'camera')
    play(20, 100)
    camera.fail(new Error('unplugged'))
    vi.advanceTimersByTime(0)
    play(20, 100)
    vi.advanceTimersByTime(3200)
    camera.send()
    leave()
    play(20, lingerMs / 20)
    expect(told).toEqual(['idle', 'opening', 'live', 'restarting', 'live', 'stalled', 'restarting', 'live', 'idle'])
    listening?.unsubscribe()
  })

  it('is frozen while the same picture comes, and is opened anew only if it looks at the world', () => {
    for (const [mark, reopened] of [[{}, 1] as const, [{ live: true }, 2] as const]) {
      const before = camera.opened
      const pipeline = build('camera: { source: camera }', camera.plugin('camera', mark))
      const { leave, status } = watch(pipeline, 'camera')
      const still = (seconds: number) => {
        for (let i = 0; i < seconds * 10; i++) {
          camera.send({ unchanged: true })
          vi.advanceTimersByTime(100)
        }
      }
      play(10, 100)
      still(5)
      expect(status().frozen).toBe(false)
      still(1)
      expect(status()).toMatchObject({ state: 'live', frozen: true, restarts: 0 })
      play(1, 100)
      expect(status().frozen).toBe(false)
      still(31)
      expect([camera.opened - before, status().restarts]).toEqual([reopened, reopened - 1])
      leave()
      vi.advanceTimersByTime(lingerMs)
    }
    expect(logged).toContainEqual(['the picture stands still', { stream: 'camera' }])
  })

  it('waits for ever for a source that may be silent, and shows the silence', () => {
    const { leave, status } = watch(
      build('page: { source: camera }', camera.plugin('camera', { mayBeSilent: true })),
      'page',
    )
    vi.advanceTimersByTime(60_000)
    expect(status().state).toBe('opening')
    play(5, 100)
    vi.advanceTimersByTime(60_000)
    expect(status().state).toBe('stalled')
    expect(camera.opened).toBe(1)
    camera.send()
    expect(status().state).toBe('live')
    leave()
    vi.advanceTimersByTime(lingerMs)
  })

  it('does not disturb its neighbours when it breaks', () => {
    const pipeline = build('camera: { source: camera }, people: { node: detect, from: camera }')
    const people = watch(pipeline, 'people')
    camera.send()
    camera.fail(new Error('unplugged'))
    expect(people.ends).toEqual([])
    vi.advanceTimersByTime(0)
    camera.send()
    expect(people.seqs).toEqual([0, 1])
    people.leave()
    vi.advanceTimersByTime(2 * lingerMs)
  })
})
