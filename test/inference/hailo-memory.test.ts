import { describe, expect, it } from 'vitest'
import { HailoBackend } from '../../engine/inference/hailo.ts'
import { client, createHailoLanguage, never } from '../support/hailo-language.ts'
import { testLog } from '../support/shared-pool.ts'
import { standinIsBuilt } from '../support/standin.ts'

const qwen = 'qwen2.5-1.5b-instruct'

describe.skipIf(!standinIsBuilt())('the memory of the Hailo device', () => {
  it('has room for a language model that takes longer to load than the device is looked at', async () => {
    let hailo: HailoBackend | undefined
    const setup = await createHailoLanguage({ speed: 2.5, budget: () => hailo?.budgetBytes ?? null })
    const { residency, pool, standin } = setup
    const ownBytes = () => (residency.isChanging('device') ? undefined : residency.use('device').used)
    hailo = new HailoBackend({ support: standin.support, pool, log: testLog, ownBytes })
    try {
      await hailo.settled()
      const before = hailo.budgetBytes
      await setup.engine.load(qwen, client, never)
      expect((await setup.engine.find(qwen)).state).toBe('loaded')
      expect(before).toBeGreaterThan(residency.use('device').used)
      expect(hailo.budgetBytes).toBe(before)
    } finally {
      await hailo[Symbol.asyncDispose]()
      await setup[Symbol.asyncDispose]()
    }
  })
})
