import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { microphoneLaunches } from '../../engine/hosts/sound-launch.ts'
import source from '../../engine/sources/microphone.ts'
import { soundCardOf } from '../support/alsa.ts'
import { createCaptures } from '../support/captures.ts'
import { tone } from '../support/scripted-speech.ts'
import { listen } from '../support/sound-captures.ts'
import { loudest } from '../support/sounds.ts'
import { until } from '../support/wait.ts'

const { pool, hosts, tools } = createCaptures()
const folder = mkdtempSync(join(tmpdir(), 'hailstream-microphone-'))
const open = (options: object, own = tools('microphone')) => source.open(source.options.parse(options), own)
const format = { rate: 16_000, channels: 1 }
const card = soundCardOf(folder)

beforeAll(() => card.plugIn(tone(440, 16_000, 3)))
afterAll(async () => {
  card.unplug()
  await hosts[Symbol.asyncDispose]()
  expect(pool.ledger.stats()).toMatchObject({ free: 16, leaked: 0 })
  pool.memory.close()
  rmSync(folder, { recursive: true })
})

describe('the microphone source', () => {
  it('asks the sound server first, then ALSA', () => {
    const [first, second, ...more] = microphoneLaunches('auto', format)
    expect(first).toMatch(/^pulsesrc ! /)
    expect(second).toMatch(/^alsasrc ! audioconvert ! audioresample ! audio\/x-raw,format=S16LE,rate=16000,channels=1/)
    expect(more).toEqual([])
  })

  it.each([
    ['alsa:plughw:1,0', 'alsasrc device="plughw:1,0" ! '],
    ['plughw:1,0', 'alsasrc device="plughw:1,0" ! '],
    ['pulse', 'pulsesrc ! '],
    ['pulse:alsa_input.usb-1', 'pulsesrc device="alsa_input.usb-1" ! '],
    ['pipewire:48', 'pipewiresrc target-object="48" ! '],
  ])('takes the device %s', (device, start) => {
    const launches = microphoneLaunches(device, format)
    expect(launches).toHaveLength(1)
    expect(launches[0]?.startsWith(start)).toBe(true)
  })

  it('refuses a device that cannot stand in a description', () => {
    expect(() => open({ device: 'x" ! filesink location="/tmp/x' })).toThrow('Expected device without quotes')
  })

  it('hears what an ALSA device records', async () => {
    const listened = listen(open({ device: 'alsa:microphone' }))
    await until('half a second', () => listened.heard.length >= 25)
    listened.close()
    expect(listened.heard[0]?.payload).toMatchObject({ kind: 'audio', sampleRate: 16_000, channels: 1 })
    expect(loudest(listened.samples(), 16_000, [220, 440, 880])).toBe(440)
  })

  it('tells why a device cannot be opened, and leaves no host behind', async () => {
    const listened = listen(open({ device: 'alsa:hw:7,0' }))
    await until('the error', () => listened.ends.length > 0)
    expect(listened.ends).toEqual([expect.objectContaining({ code: 'unavailable' })])
    expect(String(listened.ends[0])).toMatch(/alsasrc/)
    listened.close()
    await until('the end of its host', () => hosts.statuses().length === 0)
  })
})
