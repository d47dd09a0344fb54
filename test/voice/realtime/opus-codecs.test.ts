import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { OpusDecoder, OpusEncoder } from '../../../engine/audio/opus.ts'
import { ask, change, opus, packetsOf, pcm } from '../../support/opus-trial.ts'
import { RealtimeTrial } from '../../support/realtime-trial.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

describe('the codecs of Opus', () => {
  it('let others be served in between where a client sends all at once', async () => {
    const trial = await RealtimeTrial.open()
    await change(trial, { input: { ...opus, turn_detection: null } })
    const decode = vi.spyOn(OpusDecoder.prototype, 'push')
    for (const packet of await packetsOf(new Int16Array(24_000))) trial.client.binary(packet)
    expect(decode.mock.calls.length).toBeLessThan(10)
    await trial.pass(50)
    expect(decode).toHaveBeenCalledTimes(50)
    await trial.close()
  })

  function watch() {
    const opened = [vi.spyOn(OpusDecoder, 'open'), vi.spyOn(OpusEncoder, 'open')]
    const freed = [vi.spyOn(OpusDecoder.prototype, Symbol.dispose), vi.spyOn(OpusEncoder.prototype, Symbol.dispose)]
    const times = (spies: readonly { readonly mock: { readonly calls: readonly unknown[] } }[]) =>
      spies.map(({ mock }) => mock.calls.length)
    return { opened: () => times(opened), freed: () => times(freed) }
  }

  it('are let go when the format changes, when the client leaves, and when it leaves while they are opened', async () => {
    const codecs = watch()
    const trial = await RealtimeTrial.open()
    await change(trial, { input: opus, output: opus })
    await change(trial, { input: pcm, output: pcm })
    expect(codecs.freed()).toEqual([1, 1])
    await change(trial, { output: opus })
    ask(trial)
    await trial.pass(3000)
    await change(trial, { output: pcm })
    // That of the last response stays until the next one.
    expect(codecs.freed()).toEqual([1, 1])
    ask(trial)
    await trial.pass(3000)
    expect(codecs.freed()).toEqual([1, 2])
    await change(trial, { input: opus, output: opus })
    await trial.close()
    expect(codecs.freed()).toEqual([2, 3])
    const hasty = await RealtimeTrial.open()
    hasty.update({ audio: { input: opus, output: opus } })
    hasty.client.closed()
    await hasty.until('the end of codecs', () => codecs.freed().every((count, i) => count === codecs.opened()[i]))
    expect(codecs.opened()).toEqual([3, 4])
    expect(hasty.all('session.updated')).toEqual([])
    await hasty.close()
  })
})
