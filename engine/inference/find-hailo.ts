import { existsSync } from 'node:fs'
import type { Logger } from 'pino'
import type { ClosingStack } from '../core/lifecycle.ts'
import { addonFile } from '../native/addon.ts'
import type { HailoSupport } from './hailo-support.ts'
import { StandinDevice } from './standin-device.ts'

/** The configuration's section `hailo`, and what finding needs beside. */
export interface FindHailoOptions {
  readonly enabled: boolean | 'auto'
  readonly group: string
  readonly standIn: boolean
  readonly stateFolder: string
  readonly log: Logger
  /** Owns the stand-in's device. */
  readonly closing: ClosingStack
}

/** How hosts reach a device, or why there is none for this engine. Whether one answers is known only when a host opens it. */
export interface FoundHailo {
  readonly support?: HailoSupport
  readonly absent?: string
  /** Folders of models that come with it. */
  readonly models: readonly string[]
}

/** Looks at the configuration and at what was built. Throws `unavailable` when the stand-in was asked for and cannot be started. */
export async function findHailo({
  enabled,
  group,
  standIn,
  stateFolder,
  log,
  closing,
}: FindHailoOptions): Promise<FoundHailo> {
  if (enabled === false) return { absent: 'switched off (hailo.enabled: false)', models: [] }
  if (standIn) {
    const device = closing.use('stand-in device', await StandinDevice.start({ stateFolder, log }))
    log.warn('the Hailo device is simulated (hailo.standIn): results of its models say so')
    return { support: { variant: 'standin', env: device.env, group, simulated: true }, models: [device.models] }
  }
  if (existsSync(addonFile('hailo')))
    return { support: { variant: 'hailo', env: {}, group, simulated: false }, models: [] }
  return {
    absent: 'no HailoRT library was found when this was set up; install it, then run: npm run setup',
    models: [],
  }
}
