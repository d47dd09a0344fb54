import { describe, expect, it } from 'vitest'
import { memoryFull } from '../../engine/inference/eviction.ts'
import type { LoadableModel } from '../../engine/inference/resident.ts'
import { gate, ResidencyTrial, request, settle } from '../support/fake-models.ts'

const never = new AbortController().signal

describe('a model that two backends can run', () => {
  it('is loaded by each on its own, found by the backend or by the name alone', async () => {
    const trial = new ResidencyTrial()
    const residency = trial.open({ budget: (memory) => (memory === 'device' ? 50 : 100) })
    const onDevice = trial.host.model('a', 40, 'device')
    const onHost: LoadableModel = { ...trial.host.model('a-host', 60), name: 'a', backend: 'onnx' }
    const first = await residency.acquire(onDevice, request, never)
    const second = await residency.acquire(onHost, request, never)
    expect([residency.use('device').used, residency.use('host').used]).toEqual([40, 60])
    for (const backend of ['fake', 'onnx', undefined]) {
      const lease = residency.lease('a', 'x', backend)
      expect(lease?.model, backend).toBe('a')
      lease?.[Symbol.dispose]()
    }
    expect(residency.lease('a', 'x', 'llama')).toBeUndefined()
    first[Symbol.dispose]()
    second[Symbol.dispose]()
    expect(await residency.unload('a')).toEqual({ unloaded: true, bytes: 100 })
  })

  it('is struck from the books of the backend that lost it only', async () => {
    const trial = new ResidencyTrial()
    const residency = trial.open()
    let onnxLoaded = false
    const load = async () => {
      onnxLoaded = true
      return 10
    }
    await residency.preload(trial.host.model('a', 40, 'device'), 'batch')
    await residency.preload(
      { ...trial.host.model('a', 10), backend: 'onnx', load, isLoaded: () => onnxLoaded },
      'batch',
    )
    trial.host.kill()
    onnxLoaded = false
    expect(residency.dropLost('fake')).toEqual(['a'])
    expect([residency.use('device').models, residency.use('host').models]).toEqual([0, 1])
    expect(residency.dropLost()).toEqual(['a'])
  })

  it('is loaded into one memory while another is loaded into the other', async () => {
    const trial = new ResidencyTrial()
    const other = new ResidencyTrial()
    const residency = trial.open()
    const { held, open } = gate()
    trial.host.held = held
    const slow = residency.preload(trial.host.model('language', 40, 'device'), 'batch')
    await settle()
    await residency.preload(other.host.model('fallback', 40), 'batch')
    expect(other.host.log).toEqual(['+fallback'])
    open()
    await slow
  })
})

describe('a device that says it is full', () => {
  it('loses the least recently used model, and is asked once more', async () => {
    const trial = new ResidencyTrial()
    const residency = trial.open({ budget: () => null })
    await trial.touch(residency, 'old', 10)
    await trial.touch(residency, 'new', 10)
    let refusals = 1
    const model = trial.host.model('third', 10)
    const load = async () => {
      if (refusals-- > 0) throw memoryFull('no memory')
      return model.load()
    }
    using _ = await residency.acquire({ ...model, load }, request, never)
    expect(trial.host.log).toEqual(['+old', '+new', '-old', '+third'])
  })

  it('refuses what comes when nothing may leave', async () => {
    const trial = new ResidencyTrial()
    const residency = trial.open({ budget: () => null, pinned: ['vlm'] })
    await trial.touch(residency, 'vlm', 10)
    const load = async () => {
      throw memoryFull('no memory')
    }
    const refused = residency.acquire({ ...trial.host.model('second', 10), load }, request, never)
    await expect(refused).rejects.toMatchObject({ code: 'busy', message: expect.stringContaining('no memory') })
    expect(trial.host.log).toEqual(['+vlm'])
  })
})
